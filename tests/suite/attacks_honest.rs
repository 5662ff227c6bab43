//! What a plain member and a failing generator take away from somebody whose data are all there. SPEC §21

use super::attacks_batch::sealed;
use crate::common::keyrings::{self, by_hand, granted, kept, knows, me, recover, register};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

/// Draws so many times, then fails once.
struct After(usize);
impl rand_core::TryRng for After {
    type Error = Exhausted;
    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        unreachable!()
    }
    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        unreachable!()
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Exhausted> {
        let left = self.0;
        self.0 = left.wrapping_sub(1);
        if left == 0 {
            return Err(Exhausted);
        }
        rand_core::TryRng::try_fill_bytes(&mut SystemRng, out).map_err(|_| Exhausted)
    }
}
impl rand_core::TryCryptoRng for After {}

/// A generator that fails while rooms are put together again for identities that came takes nobody from those that are asked
/// for: it can be called again. SPEC §21 [REC-05]
#[test]
fn honest_generator_fails_while_asking() {
    let (bob, me) = (&crowd()[1], me());
    let [carol, dave, erin, newcomer] = [2, 3, 4, 5].map(|n| &crowd()[n]);
    let members = [bob, carol, dave, erin].map(|one| (one.id(), ADMIN));
    let zero = Body::first(FROM_JOIN, &[&members[..], &[(id(&me), MEMBER)]].concat());
    let to = [&bob.public, &carol.public, &dave.public, &erin.public, me.public()];
    let of = |package: &[u8], who: &Outsider| Known::of(package, me.reader(), who.id());
    // Two rooms, in each of which Carol's epoch opens Dave's addition, and Erin's is beside hers.
    let room = |n: u8| {
        let body = Body { nonce: [n; 16], ..zero.clone() };
        let zero = of(&Craft::new(body, bob.sender(), &to).seal(), bob);
        let next = |author: &Outsider| Craft::new(zero.next(), author.sender(), &to).with_previous(&zero.secret).seal();
        let (carols, erins) = (next(carol), next(erin));
        let one = of(&carols, carol);
        let mut body = Body { adds: 1, ..one.next() };
        body.roster = roster(&[&body.roster[..], &[(newcomer.id(), MEMBER)]].concat());
        let kek = SymmetricKey::take(&mut one.epoch_kek());
        let addition = Craft::new(body, dave.sender(), &[&newcomer.public]);
        let addition = addition.but(|craft| craft.to.push(Recipient::symmetric(&kek))).seal();
        let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
        (vec![carols, erins, addition], [kept(&zero), head])
    };
    let rooms = [room(1), room(2)];
    let entries: Vec<_> = rooms.iter().flat_map(|(_, entries)| entries.clone()).collect();
    let run = |draws: Option<usize>| {
        let rng = &mut SystemRng;
        let mut draws = draws;
        let mut failed = 0;
        let mut recovery = Recovery::new(keyrings::words(), Profile::P256, rng).unwrap();
        while let Some(wanted) = recovery.wanted() {
            let is_identities = matches!(wanted, Wanted::Identities { .. });
            let blobs = match wanted {
                Wanted::Segments => vec![knows(&bob.public), by_hand(5, 1, &entries)],
                Wanted::Packages { .. } => rooms.iter().flat_map(|(packages, _)| packages.clone()).collect(),
                // Never Erin.
                Wanted::Identities { of } => [carol, dave]
                    .iter()
                    .filter(|who| of.contains(who.public.fingerprint()))
                    .map(|who| who.public.to_bytes())
                    .collect(),
                _ => Vec::new(),
            };
            // The second time that identities were wanted none came.
            if is_identities
                && blobs.is_empty()
                && let Some(draws) = draws.take()
            {
                failed += usize::from(recovery.proceed(&mut After(draws)) == Err(Error::Generator));
                if recovery.wanted().is_none() {
                    break;
                }
                if failed == 0 {
                    continue;
                }
            }
            for blob in blobs {
                recovery.give(&blob, rng).unwrap();
            }
            recovery.proceed(rng).unwrap();
        }
        (failed, recovery.progress().epochs, recovery.missing())
    };
    let erins = vec![Missing::Identity(*erin.public.fingerprint())];
    assert_eq!(run(None), (0, 6, erins.clone()));
    for draws in 0..4 {
        let (failed, epochs, missing) = run(Some(draws));
        assert_eq!((epochs, missing), (6, erins.clone()), "failed {failed} after {draws}");
    }
}

fn of(package: &[u8], who: &Outsider) -> Known {
    Known::of(package, who.reader(), who.id())
}

/// What leaves the reader out is opened by the one that names its secret, also where that was opened so itself, whoever signed
/// it, and by one with a symmetric stanza. [ROOM-29]
#[test]
fn honest_named_by_what_was_named() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0, 2], 1);
    let (by, stranger) = (&crowd()[1], outsider(60));
    let zero = of(&first, by);
    let left_out = [7, 1, 2].map(|n: usize| &crowd()[n].public);
    let one = Craft::new(zero.next(), by.sender(), &left_out).with_previous(&zero.secret).seal();
    let known = of(&one, by);
    // Bob can open it, and she cannot.
    let two = Craft::new(known.next(), stranger.sender(), &left_out).with_previous(&known.secret).seal();
    let known = Known { signer: stranger.id(), ..of(&two, by) };
    let later = Craft::new(known.next(), stranger.sender(), &[&crowd()[0].public]).with_previous(&known.secret);
    let nobodys = SymmetricKey::take(&mut [7; 32]);
    let with_stanza = later.but(|craft| craft.to.push(Recipient::symmetric(&nobodys))).seal();
    let answers = [later.seal(), with_stanza].map(|naming| devices[1].copy().catch_up(&[&one, &two, &naming])[0]);
    assert_eq!(answers, [head(1), head(1)]);
}

/// An epoch that was granted takes nothing away that comes back without it: what was before it is opened by what it names, and
/// it by what the next one names, whose secret an addition names. SPEC §21 [REC-01] [ROOM-29]
#[test]
fn honest_a_grant_more_is_no_less() {
    let (bob, me) = (&crowd()[1], me());
    let both = Body::first(SHARED, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    let mut packages = vec![Craft::new(both.clone(), bob.sender(), &[&bob.public, me.public()]).seal()];
    let mut known = vec![of(&packages[0], bob)];
    for _ in 0..3 {
        let last = known.last().unwrap();
        let mut body = last.next();
        body.roster = roster(&[(bob.id(), ADMIN)]);
        packages.push(Craft::new(body, bob.sender(), &[&bob.public]).with_previous(&last.secret).seal());
        known.push(of(packages.last().unwrap(), bob));
    }
    let three = &known[3];
    let head = register(1, &known[0].body.room_id(), 1, 5, &known[0].transcript());
    let held = |adds: u8, entries: &[(u8, Vec<u8>)]| {
        let body = Body { adds, roster: both.roster.clone(), ..three.next() };
        let kek = SymmetricKey::take(&mut three.epoch_kek());
        let again = match adds {
            0 => Craft::new(body, bob.sender(), &[&bob.public, me.public()]).with_previous(&three.secret),
            _ => Craft::new(body, bob.sender(), &[me.public()])
                .with_previous(&three.secret)
                .but(|craft| craft.to.push(Recipient::symmetric(&kek))),
        };
        let segments = [knows(&bob.public), by_hand(5, 1, &[entries, &[kept(&known[0]), head.clone()]].concat())];
        let given = [&packages[1..], &[again.seal()]].concat();
        let account = recover(&segments, &given, false).finish().unwrap();
        epochs(&account.rooms[0]).iter().map(|(number, _)| *number).collect::<Vec<_>>()
    };
    let all = [0, 1, 2, 3, 4];
    assert_eq!([held(0, &[]), held(0, &[granted(&known[2])]), held(1, &[])], [all, all, all]);
    assert_eq!(held(1, &[granted(&known[2])]), all);
}

/// Who was removed and added again gets back what was since, whatever a plain member made beside the removal: an admin's epoch,
/// which the reader's own key opens, is not lost for refreshes that yield. SPEC §21 [REC-01]
#[test]
fn honest_removed_and_added_again() {
    let (bob, eve, me) = (&crowd()[1], &crowd()[3], me());
    for history in [FROM_JOIN, SHARED] {
        let members = [(bob.id(), ADMIN), (eve.id(), MEMBER), (id(&me), MEMBER)];
        let all = [&bob.public, &eve.public, me.public()];
        let zero = of(&Craft::new(Body::first(history, &members), bob.sender(), &all).seal(), bob);
        let mut body = zero.next();
        body.roster = roster(&members[..2]);
        let removal = Craft::new(body, bob.sender(), &all[..2]).with_previous(&zero.secret).seal();
        let one = of(&removal, bob);
        let again = Craft::new(Body { roster: roster(&members), ..one.next() }, bob.sender(), &all);
        let again = if history == SHARED { again.with_previous(&one.secret) } else { again }.seal();
        let two = of(&again, bob);
        // Hers, beside these.
        let refresh = |last: &Known| Craft::new(last.next(), eve.sender(), &all).with_previous(&last.secret).seal();
        let evils = refresh(&zero);
        let evil = refresh(&of(&evils, eve));
        let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
        let segments = [knows(&bob.public), knows(&eve.public), by_hand(5, 1, &[kept(&zero), head])];
        let found = |given: &[Vec<u8>]| {
            let account = recover(&segments, given, false).finish().unwrap();
            let room = &account.rooms[0];
            epochs(room).contains(&(2, two.transcript()))
        };
        assert!(found(&[removal.clone(), again.clone()]));
        assert!(found(&[removal, again, evils, evil]), "history {history}");
    }
}

/// Who was removed does not start again what the removal stopped, in a room as in one epoch ([ROOM-30]): their refreshes have
/// numbers as late as they like. [ROOM-24]
#[test]
fn honest_a_racing_member_does_not_undo_the_stop() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let (devices, _) = Device::rooms(history, &[0, 1, 2], 1);
        let [mut alice, mut bob, mut mallory] = devices.try_into().ok().unwrap();
        let removal = alice.package(|room| room.remove(&[mallory.fingerprint()]));
        alice.apply(&removal).unwrap();
        let refresh = alice.package(Room::refresh);
        // The server keeps the removal back.
        let ahead = Ok(Applied::Ahead { author: alice.fingerprint(), epoch: Epoch::new(2) });
        assert_eq!(bob.apply(&refresh), ahead);
        assert!(bob.room.seal(&Draft::new(b"x"), &bob.who.sender(), &mut SystemRng).is_err());
        for _ in 0..2 {
            let race = mallory.package(Room::refresh);
            mallory.apply(&race).unwrap();
            assert_eq!(bob.apply(&race), head(2));
        }
        let said = bob.room.seal(&Draft::new(b"x"), &bob.who.sender(), &mut SystemRng);
        let heard = said.as_ref().ok().and_then(|said| mallory.hears(said).ok());
        assert_eq!((bob.room.standing(), heard), (Standing::Behind { epoch: Epoch::new(2) }, None));
    }
}

/// So it is in a recovery where a package is missing: an admin's epoch after the gap is what the room comes to, and no plain
/// member's beside it. SPEC §21 [REC-01]
#[test]
fn honest_after_a_gap_beside_a_plain_member() {
    let (bob, eve, me) = (&crowd()[1], &crowd()[3], me());
    let members = [(bob.id(), ADMIN), (eve.id(), MEMBER), (id(&me), MEMBER)];
    let all = [&bob.public, &eve.public, me.public()];
    let first = Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal();
    let next = |last: &Known, by: &Outsider| {
        let package = Craft::new(last.next(), by.sender(), &all).with_previous(&last.secret).seal();
        (of(&package, by), package)
    };
    let zero = of(&first, bob);
    // It is missing, and the next one leaves nobody out.
    let (one, _) = next(&zero, bob);
    let mut body = one.next();
    body.roster = roster(&[&members[..], &[(crowd()[4].id(), MEMBER)]].concat());
    let to = [&bob.public, &eve.public, me.public(), &crowd()[4].public];
    let addition = Craft::new(body, bob.sender(), &to).seal();
    let two = of(&addition, bob);
    let (evils, second) = next(&zero, eve);
    let (_, third) = next(&evils, eve);
    let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
    let identities = [knows(&bob.public), knows(&eve.public)];
    let with_room = [&identities[..], &[by_hand(5, 1, &[kept(&zero), head])]].concat();
    for segments in [&identities[..], &with_room] {
        let found = |given: &[Vec<u8>]| {
            let account = recover(segments, given, false).finish().unwrap();
            epochs(&account.rooms[0]).contains(&(2, two.transcript()))
        };
        assert!(found(&[first.clone(), addition.clone()]));
        assert!(found(&[first.clone(), addition.clone(), second.clone(), third.clone()]));
    }
}

/// Whoever can open what was granted can copy it, with a transition of nobody's: who signed that is no reason for what follows
/// to wait. SPEC §21 [REC-01] [ROOM-29]
#[test]
fn honest_copy_of_what_was_granted() {
    let (bob, eve, dave, me) = (&crowd()[1], &crowd()[3], &crowd()[4], me());
    let members = [(bob.id(), ADMIN), (eve.id(), MEMBER), (id(&me), MEMBER)];
    let all = [&bob.public, &eve.public, me.public()];
    let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let craft = Craft::new(zero.next(), bob.sender(), &all).with_previous(&zero.secret);
    let one = of(&sealed(&craft, &all, 7, bob.id(), bob), bob);
    let body = Body { roster: roster(&[&members[..], &[(dave.id(), MEMBER)]].concat()), ..one.next() };
    let two = Craft::new(body, bob.sender(), &[&bob.public, &eve.public, me.public(), &dave.public]).seal();
    let with_transition = craft.but(|craft| craft.transition = successor(&outsider(50), 77).1.to_bytes().unwrap());
    let copy = sealed(&with_transition, &all, 7, bob.id(), eve);
    let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
    let segments = [knows(&bob.public), knows(&eve.public), by_hand(5, 1, &[kept(&zero), granted(&one), head])];
    let comes_to = |given: &[Vec<u8>]| recover(&segments, given, false).finish().unwrap().rooms[0].epoch().number();
    // The package of what was granted is not there.
    assert_eq!(comes_to(std::slice::from_ref(&two)), 2);
    assert_eq!(comes_to(&[two, copy]), 2);
}

fn has(body: &Body, who: &[u8; 32]) -> bool {
    body.roster.iter().any(|(member, _)| member == who)
}

/// The person of the words, for all that is made here.
fn reader() -> &'static Identity {
    static MADE: std::sync::OnceLock<Identity> = std::sync::OnceLock::new();
    MADE.get_or_init(me)
}

fn public(who: &[u8; 32]) -> &'static PublicIdentity {
    let of = |who: &[u8; 32]| crowd().iter().find(|one| one.id() == *who).map(|one| &one.public);
    of(who).unwrap_or_else(|| reader().public())
}

struct Made {
    craft: Craft<'static>,
    to: Vec<&'static PublicIdentity>,
    n: u8,
    known: Known,
    bytes: Vec<u8>,
}

impl Made {
    fn new(craft: Craft<'static>, to: Vec<&'static PublicIdentity>, n: u8, by: &'static Outsider) -> Self {
        let bytes = sealed(&craft, &to, n, by.id(), by);
        let known = of(&bytes, by);
        Self { craft, to, n, known, bytes }
    }
}

/// What two admins make, one after the other, and what the plain member Eve makes of it. Where `stays`, the reader is always there.
fn story(choices: &mut Choices, round: u64, stays: bool) -> (Vec<Made>, Vec<Made>) {
    let mine = id(reader());
    let (admins, eve, dave) = ([&crowd()[1], &crowd()[2]], &crowd()[3], &crowd()[4]);
    let history = if choices.below(2) == 0 { FROM_JOIN } else { SHARED };
    let members = [(admins[0].id(), ADMIN), (admins[1].id(), ADMIN), (eve.id(), MEMBER), (mine, MEMBER)];
    let first = Body { nonce: [round as u8; 16], ..Body::first(history, &members) };
    let mut n = 1_u8;
    let to: Vec<_> = first.roster.iter().map(|(who, _)| public(who)).collect();
    let craft = Craft::new(first, admins[0].sender(), &to);
    let mut honest = vec![Made::new(craft, to, n, admins[0])];
    for _ in 0..choices.below(6) + 3 {
        n += 1;
        let parent = honest.last().unwrap().known.clone();
        let author = admins[choices.below(2)];
        let mut body = parent.next();
        let who = if stays { dave.id() } else { [mine, dave.id()][choices.below(2)] };
        if choices.below(2) == 0 {
            if has(&body, &who) {
                body.roster.retain(|(member, _)| *member != who);
            } else {
                body.roster = roster(&[&body.roster[..], &[(who, MEMBER)]].concat());
            }
        }
        let newcomers = body.roster.iter().any(|(who, _)| !has(&parent.body, who));
        let carries = history == SHARED || !newcomers;
        let to: Vec<_> = body.roster.iter().map(|(who, _)| public(who)).collect();
        let mut craft = Craft::new(body, author.sender(), &to);
        if carries {
            craft = craft.with_previous(&parent.secret);
        }
        honest.push(Made::new(craft, to, n, author));
    }
    let mut evil: Vec<Made> = Vec::new();
    for _ in 0..choices.below(6) + 1 {
        n += 1;
        let bases: Vec<&Made> = honest.iter().chain(&evil).collect();
        let base = bases[choices.below(bases.len())];
        let other = bases[choices.below(bases.len())];
        if choices.below(3) == 0 {
            // A copy under the same header.
            let mut craft = base.craft.but(|craft| craft.author = Some(eve.sender()));
            match choices.below(4) {
                0 => craft = craft.with_previous(&other.known.secret),
                1 => craft.body.roster.iter_mut().for_each(|(_, role)| *role = ADMIN),
                2 => craft.body.previous = other.known.transcript(),
                _ => {}
            }
            let bytes = sealed(&craft, &base.to, base.n, eve.id(), eve);
            let known = Known { signer: eve.id(), body: craft.body.clone(), ..base.known.clone() };
            let (to, n) = (base.to.clone(), base.n);
            evil.push(Made { craft, to, n, known, bytes });
            continue;
        }
        let mut body = base.known.next();
        match choices.below(6) {
            0 => {
                body.epoch += choices.below(4) as u64;
                body.previous = [n; 32];
            }
            1 => {
                body.epoch = base.known.body.epoch;
                body.previous = [n; 32];
            }
            _ => {}
        }
        match choices.below(8) {
            0 => body.roster.iter_mut().for_each(|(_, role)| *role = ADMIN),
            1 => body.roster.retain(|(who, _)| *who != mine),
            2 => body.roster.retain(|(who, _)| *who != admins[1].id()),
            3 if !has(&body, &mine) => body.roster = roster(&[&body.roster[..], &[(mine, MEMBER)]].concat()),
            _ => {}
        }
        let left_out = choices.below(3) == 0;
        let to: Vec<_> = body
            .roster
            .iter()
            .map(|(who, _)| if *who == mine && left_out { &crowd()[7].public } else { public(who) })
            .collect();
        let mut craft = Craft::new(body, eve.sender(), &to);
        craft = match choices.below(6) {
            0 => craft,
            1 => craft.with_previous(&[0xee; 32]),
            2 => craft.with_previous(&other.known.secret),
            _ => craft.with_previous(&base.known.secret),
        };
        evil.push(Made::new(craft, to, n, eve));
    }
    (honest, evil)
}

/// The names of transcripts, and whether one leads to another.
struct Names<'a>(&'a [Made], &'a [Made]);

impl Names<'_> {
    fn name(&self, transcript: &[u8; 32]) -> String {
        let find = |list: &[Made], c: char| {
            list.iter().position(|made| made.known.transcript() == *transcript).map(|at| format!("{c}{at}"))
        };
        find(self.0, 'h').or_else(|| find(self.1, 'e')).unwrap_or("?".into())
    }
    fn leads(&self, from: &[u8; 32], to: &[u8; 32]) -> bool {
        let mut at = *from;
        while at != *to {
            let made = self.0.iter().chain(self.1).find(|made| made.known.transcript() == at);
            let Some(made) = made else { return false };
            at = made.known.body.previous;
        }
        true
    }
    fn list(&self, epochs: &Epochs) -> String {
        epochs.iter().map(|(n, t)| format!("{n}:{}", self.name(t))).collect::<Vec<_>>().join(" ")
    }
    fn all(&self) {
        for made in self.0.iter().chain(self.1) {
            println!(
                "    {} epoch {} parent {} roles {:?} me {} to me {}",
                self.name(&made.known.transcript()),
                made.known.body.epoch,
                self.name(&made.known.body.previous),
                made.known.body.roster.iter().map(|(_, role)| *role).collect::<Vec<_>>(),
                has(&made.known.body, &id(reader())),
                made.to.iter().any(|who| who.fingerprint() == reader().public().fingerprint()),
            );
        }
    }
}

fn rounds() -> impl Iterator<Item = u64> {
    let rounds = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60_u64);
    let from = std::env::var("FROM").ok().and_then(|n| n.parse().ok()).unwrap_or(0_u64);
    from..from + rounds
}

/// Whatever a plain member makes and signs beside what admins made: what came back without it comes back with it, and the head
/// that is recommended is the same, or follows it.
#[test]
fn honest_beside_a_plain_member() {
    let mine = id(reader());
    let mut bad = Vec::new();
    for round in rounds() {
        let mut choices = Choices(round.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234);
        let (honest, evil) = story(&mut choices, round, false);
        let some = if choices.below(2) == 0 { 4 } else { 1000 };
        let given: Vec<Vec<u8>> =
            honest.iter().filter(|_| choices.below(some) > 0).map(|made| made.bytes.clone()).collect();
        let mut entries = Vec::new();
        let mut segments: Vec<Vec<u8>> = [1, 2, 3, 4].map(|n: usize| knows(&crowd()[n].public)).to_vec();
        if choices.below(3) > 0 {
            let of: Vec<&Made> = honest.iter().filter(|made| has(&made.known.body, &mine)).collect();
            let head = of[choices.below(of.len())];
            entries.push(register(1, &head.known.body.room_id(), 1, 5, &head.known.transcript()));
            for made in of.iter().filter(|made| made.known.body.epoch <= head.known.body.epoch) {
                if made.known == head.known || choices.below(2) == 0 {
                    let is_granted = made.known != head.known && choices.below(3) == 0;
                    entries.push(if is_granted { granted(&made.known) } else { kept(&made.known) });
                }
            }
            segments.push(by_hand(5, 1, &entries));
        }
        let all: Vec<Vec<u8>> = given.iter().cloned().chain(evil.iter().map(|made| made.bytes.clone())).collect();
        let of = |packages: &[Vec<u8>]| {
            let account = recover(&segments, packages, false).finish().unwrap();
            let room = account.rooms.into_iter().next()?;
            let state = hazmat::room_state(&room);
            assert!(hazmat::room_of_state(&state).is_ok(), "round {round}");
            Some((epochs(&room), *room.settle().as_bytes(), *room.transcript().as_bytes(), room.standing()))
        };
        let (one, more) = (of(&given), of(&all));
        // Who knew the room once can make an early package that begins another history. SPEC §18.7
        if entries.is_empty() && !given.contains(&honest[0].bytes) {
            continue;
        }
        let Some(one) = one else { continue };
        let more = more.unwrap();
        let names = Names(&honest, &evil);
        if !(one.0.is_subset(&more.0) && names.leads(&more.1, &one.1) && names.leads(&more.2, &one.2)) {
            println!("round {round} kept {}", !entries.is_empty());
            for (epochs, settled, head, standing) in [&one, &more] {
                let (list, settled, head) = (names.list(epochs), names.name(settled), names.name(head));
                println!("  {list} settle {settled} head {head} {standing:?}");
            }
            names.all();
            bad.push(round);
        }
    }
    assert!(bad.is_empty(), "{bad:?}");
}

/// The same on a device that holds the room, to which a server gives all of it one by one in whatever order, and then at once.
#[test]
fn honest_live_beside_a_plain_member() {
    let mut bad = Vec::new();
    for round in rounds() {
        let mut choices = Choices(round.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x4321);
        let (honest, evil) = story(&mut choices, round, true);
        let inviter = &crowd()[1].public;
        let join = || {
            let joining = Room::join(&honest[0].bytes, inviter, &[reader().reader()], &mut SystemRng);
            joining.unwrap().finish().unwrap()
        };
        let (mut room, mut alone) = (join(), join());
        let all: Vec<&[u8]> = honest.iter().chain(&evil).map(|made| &made.bytes[..]).collect();
        let mut given = all.clone();
        choices.shuffle(&mut given);
        let (rng, readers) = (&mut SystemRng, [reader().reader()]);
        for one in given.iter().filter(|_| choices.below(3) > 0) {
            let before = hazmat::room_state(&room);
            let applied = room.apply(one, &readers, &directory(), rng);
            let after = hazmat::room_state(&room);
            assert!(applied.is_ok() || before == after, "round {round}");
            assert!(applied != Ok(Applied::Held) || before == after, "round {round}");
            assert!(hazmat::room_of_state(&after).is_ok(), "round {round}");
        }
        choices.shuffle(&mut given);
        for packages in [&given[..choices.below(given.len())], &given[..]] {
            room.catch_up(packages, &readers, &directory(), rng);
            let state = hazmat::room_state(&room);
            assert!(hazmat::room_of_state(&state).is_ok(), "round {round}");
        }
        let held = epochs(&room);
        room.catch_up(&given, &readers, &directory(), rng);
        let honestly: Vec<&[u8]> = honest.iter().map(|made| &made.bytes[..]).collect();
        alone.catch_up(&honestly, &readers, &directory(), rng);
        let names = Names(&honest, &evil);
        let (head, settled) = (*room.transcript().as_bytes(), *room.settle().as_bytes());
        let own = *alone.transcript().as_bytes();
        let fine = epochs(&alone).is_subset(&held)
            && held == epochs(&room)
            && names.leads(&settled, &own)
            && names.leads(&head, &own)
            && !matches!(room.standing(), Standing::Behind { .. });
        if !fine {
            println!("round {round} {:?}", room.standing());
            println!("  alone {} head {}", names.list(&epochs(&alone)), names.name(&own));
            println!("  {} settle {} head {}", names.list(&held), names.name(&settled), names.name(&head));
            names.all();
            bad.push(round);
        }
    }
    assert!(bad.is_empty(), "{bad:?}");
}
