package sealroom;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Kinds of vectors of SPEC §22 and §23. */
final class KindsDevices {
    private KindsDevices() {}

    static void add(Map<String, Kinds.Kind> all) {
        all.put("link_request", Kinds.kind(KindsDevices::linkRequest, KindsDevices::drawRequest));
        all.put("link_answer", Kinds.kind(KindsDevices::linkAnswer, KindsDevices::sealAnswer, "answer"));
        all.put("linked_state", Kinds.kind(KindsDevices::linkedState, KindsDevices::sealState, "state"));
        all.put("certificate", Kinds.kind(KindsDevices::certificate, "certificate"));
        all.put("request_proof", Kinds.kind(KindsDevices::requestProof));
        all.put("proof_sequence", Kinds.kind(KindsDevices::proofSequence)
                .inputs("proof", "audience", "method", "target", "body", "server_nonce", "now"));
    }

    // ---- §22

    private static Map<String, Object> linkRequest(Vec v) {
        Devices.LinkRequest r = Devices.decodeRequest(v.text("text"));
        return Vec.fields("encryption_key", r.key().raw(), "echo", r.echo());
    }
    private static Map<String, Object> drawRequest(Vec v, Draws random) {
        Devices.NewDevice d = Devices.draw(random);
        return Vec.fields("pkcs8", Keys.ecPkcs8(d.key()), "text", d.request().text());
    }

    private static List<String> fingerprints(Devices.DeviceLink l) {
        return l.generations().stream().map(g -> Wire.hex(g.identity().fingerprint())).toList();
    }
    private static Map<String, Object> linkAnswer(Vec v) {
        Devices.DeviceLink l = Devices.open(v.hex("answer"), Keys.pkcs8(v.hex("pkcs8")), v.hex("echo"));
        return Vec.fields("generations", fingerprints(l), "code", l.code());
    }
    private static Map<String, Object> sealAnswer(Vec v, Draws random) {
        return Vec.fields("answer", Devices.answer(Keys.pkcs8(v.hex("pkcs8")).pub(), v.hex("content"), v.obj("sender").sender(), random));
    }
    private static Map<String, Object> linkedState(Vec v) {
        Devices.DeviceLink l = Devices.load(v.hex("state"), v.hex("kek"));
        return Vec.fields("generations", fingerprints(l), "content", Devices.stored(l));
    }
    private static Map<String, Object> sealState(Vec v, Draws random) {
        return Vec.fields("state", SegmentForm.seal(Wire.DEVICE_LINK, v.hex("content"), v.hex("kek"), random));
    }

    // ---- §23

    private static Map<String, Object> certificate(Vec v) {
        Proofs.Certificate c = Proofs.decodeCertificate(v.hex("certificate"));
        c.verify(Identity.decode(v.hex("identity")), v.num("now"), v.num("tolerance"));
        return Vec.fields("device_id", c.deviceId(), "device_key", c.deviceKey().raw(), "not_before", c.notBefore(),
                "not_after", c.notAfter(), "digest", Algorithms.sha256(c.input()));
    }

    private static Proofs.Request request(Vec v) {
        return new Proofs.Request(v.hex("audience"), v.hex("method"), v.hex("target"), v.hex("body"), v.hex("server_nonce"));
    }
    private static Map<String, Object> requestProof(Vec v) {
        Proofs.Proof p = Proofs.decode(v.text("proof"));
        Proofs.Request r = request(v);
        byte[] digest = Proofs.verify(p, Identity.decode(v.hex("identity")), r, v.num("now"), v.num("tolerance"));
        return Vec.fields("device_id", p.certificate().deviceId(), "time", p.time(), "nonce", p.nonce(),
                "input", r.input(p.certificate().bytes(), p.time(), p.nonce()), "digest", digest);
    }
    private static Map<String, Object> proofSequence(Vec v) {
        Proofs.Verifier verifier = new Proofs.Verifier(v.num("tolerance"));
        Identity.PublicIdentity id = Identity.decode(v.hex("identity"));
        Map<String, Object> result = Vec.fields("result", "ok");
        List<Object> answers = new ArrayList<>();
        for (Vec r : v.objs("requests")) {
            Map<String, Object> answer = Vec.fields("result", "ok");
            try {
                verifier.take(Proofs.decode(r.text("proof")), id, request(r), r.num("now"));
            } catch (Refused e) {
                Kinds.refused(answer, e);
                Kinds.refused(result, e);
            }
            answers.add(answer);
        }
        result.put("requests", answers);
        return result;
    }
}
