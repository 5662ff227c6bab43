//! What was kept to be read, and never held against its parent, once that parent came. SPEC §18.5, §20.6, §21

use crate::common::keyrings::{by_hand, kept, knows, me, of, ours, part, recover, refreshed, register, with_a_gap};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

/// What a person holds whose other device was at epoch 2 with a gap before it, and who kept `planted` then; a device that stands
/// at `at` wrote the head last.
fn two_devices(bob: &Outsider, two: &Known, planted: &[u8], held: &[&Known], at: &Known) -> Vec<Vec<u8>> {
    let id = two.body.room_id();
    let mut segments = vec![knows(&bob.public)];
    segments.push(by_hand(5, 1, &[kept(two), register(1, &id, 1, 5, &two.transcript())]));
    let mut account = recover(&segments, &[planted.to_vec()], false).finish().unwrap();
    assert_eq!(account.rooms[0].epochs().count(), 2);
    segments.push(part(&mut account.keyring));
    let mut entries: Vec<_> = held.iter().map(|known| kept(known)).collect();
    entries.push(register(1, &id, 9, 6, &at.transcript()));
    segments.push(by_hand(6, 1, &entries));
    segments
}

/// A stranger's epoch is not recommended because nothing else follows there either. [ROOM-20]
#[test]
fn a_strangers_epoch_is_not_recommended_where_nothing_else_follows() {
    let (bob, stranger, me) = (&crowd()[1], &crowd()[2], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    let (one, _) = refreshed(&zero, bob, &all);
    let (two, _) = refreshed(&one, bob, &all);
    let body = Body { roster: roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]), ..zero.next() };
    let to = [&stranger.public, me.public()];
    let planted = Craft::new(body, stranger.sender(), &to).with_previous(&[3; 32]).seal();
    let segments = two_devices(bob, &two, &planted, &[&zero], &zero);
    let mut account = recover(&segments, &[], false).finish().unwrap();
    let room = &mut account.rooms[0];
    assert_eq!((room.epochs().count(), room.transcript().as_bytes()), (3, &zero.transcript()));
    assert_eq!(room.forks(), []);
    let best = room.settle();
    room.accept_head();
    // As the documentation of `settle` says.
    room.switch_to(&best).unwrap();
    let sealed = room.seal(&Draft::new(b"x"), &me.sender(), &mut SystemRng);
    assert!(
        best.as_bytes() == &zero.transcript(),
        "recommended is {}, roster {:?}, sealed {}",
        best.as_bytes() == &of(&planted, stranger).transcript(),
        room.roster(),
        sealed.is_ok()
    );
}

/// A fork that the user goes over to does not lead to a stranger's epoch. SPEC §18.5
#[test]
fn who_goes_over_to_an_admins_branch_is_not_in_a_strangers() {
    let (bob, stranger, carol, me) = (&crowd()[1], &crowd()[2], &crowd()[3], me());
    let all = [&bob.public, &carol.public, me.public()];
    let ([zero, _, _, three], segments) = with_a_gap(ADMIN);
    let refresh = |known: &Known, by: &Outsider| refreshed(known, by, &all);
    let (beside, package) = refresh(&zero, carol);
    let body = Body { roster: roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]), ..beside.next() };
    let to = [&stranger.public, me.public()];
    let planted = Craft::new(body, stranger.sender(), &to).with_previous(&[3; 32]).seal();
    // Epoch 2 is not there.
    let mut room = recover(&segments, std::slice::from_ref(&planted), false).finish().unwrap().rooms.remove(0);
    assert_eq!((room.epochs().count(), room.transcript().as_bytes()), (4, &three.transcript()));
    room.accept_head();
    let author = *carol.public.fingerprint();
    let applied = room.apply(&package, &[me.reader()], &directory(), &mut SystemRng);
    assert_eq!(applied, Ok(Applied::Fork { author, kept: true }));
    let fork = room.forks().remove(0);
    assert_eq!((fork.author, fork.transcript.as_bytes()), (author, &beside.transcript()));
    room.switch_to(&fork.transcript).unwrap();
    let sealed = room.seal(&Draft::new(b"x"), &me.sender(), &mut SystemRng);
    assert!(
        room.transcript().as_bytes() == &beside.transcript(),
        "in epoch {:?}, {:?}, sealed {}",
        room.epoch(),
        room.roster(),
        sealed.is_ok()
    );
}

/// An epoch whose package is refused when its parent is the head does not become the head for having been kept. [ROOM-06] [ROOM-13]
#[test]
fn what_is_refused_is_not_gone_on_to() {
    let (bob, mallory, me) = (&crowd()[1], &crowd()[2], me());
    let members = [(bob.id(), ADMIN), (mallory.id(), MEMBER), (id(&me), MEMBER)];
    let all = [&bob.public, &mallory.public, me.public()];
    let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let refresh = |known: &Known| {
        let package = Craft::new(known.next(), bob.sender(), &all).with_previous(&known.secret).seal();
        (of(&package, bob), package)
    };
    let (one, first) = refresh(&zero);
    let (two, _) = refresh(&one);
    let (three, _) = refresh(&two);
    // It names another secret than its parent's.
    let wrong = Craft::new(one.next(), mallory.sender(), &all).with_previous(&[3; 32]).seal();
    let wrong_known = of(&wrong, mallory);
    let id = zero.body.room_id();
    let mut segments = vec![knows(&bob.public), knows(&mallory.public)];
    segments.push(by_hand(5, 1, &[kept(&three), register(1, &id, 1, 5, &three.transcript())]));
    let mut account = recover(&segments, std::slice::from_ref(&wrong), false).finish().unwrap();
    assert_eq!(account.rooms[0].epochs().count(), 2);
    segments.push(part(&mut account.keyring));
    segments.push(by_hand(6, 1, &[kept(&zero), register(1, &id, 9, 6, &zero.transcript())]));
    let recovery = recover(&segments, &[first.clone(), wrong.clone()], false);
    let told: Vec<_> = recovery.refused().map(|(_, refused)| refused.error).collect(); // Empty: it counts as held by then.
    let room = recovery.finish().unwrap().rooms.remove(0);
    // As who was there all the time.
    let mut live = State::of(self::id(&me), &[&zero]).room();
    let answers = live.catch_up(&[&first, &wrong], &[me.reader()], &directory(), &mut SystemRng);
    assert_eq!(answers[1], Err(refused("ROOM-13")));
    assert_eq!(live.transcript().as_bytes(), &one.transcript());
    assert!(
        room.transcript() == live.transcript(),
        "refused and the head: {}, {told:?}",
        room.transcript().as_bytes() == &wrong_known.transcript()
    );
}

/// Strangers, whose epochs are kept to be read, use up no place of evidence. [ROOM-18]
#[test]
fn strangers_use_up_no_place_of_evidence() {
    let (bob, stranger, carol, me) = (&crowd()[1], &crowd()[2], &crowd()[3], me());
    let all = [&bob.public, &carol.public, me.public()];
    let ([zero, one, ..], segments) = with_a_gap(ADMIN);
    let refresh = |known: &Known, by: &Outsider| refreshed(known, by, &all);
    let (_, package) = refresh(&zero, carol);
    let to = [&stranger.public, me.public()];
    let planted: Vec<Vec<u8>> = (0..64)
        .map(|n| {
            let people = roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]);
            let body = Body { previous: numbered(n), roster: people, ..one.next() };
            Craft::new(body, stranger.sender(), &to).with_previous(&[3; 32]).seal()
        })
        .collect();
    for count in [63, 64] {
        let mut room = recover(&segments, &planted[..count], false).finish().unwrap().rooms.remove(0);
        assert_eq!(room.epochs().count(), 3 + count);
        let applied = room.apply(&package, &[me.reader()], &directory(), &mut SystemRng);
        assert_eq!(applied, Ok(Applied::Fork { author: *carol.public.fingerprint(), kept: true }), "{count}");
    }
}

/// Many epochs that are kept to be read, of one number and with one parent, cost as many times as much, not the square.
#[test]
fn many_that_are_kept_cost_as_many_times_as_much() {
    use cpu_time::ThreadTime;
    let (bob, stranger, me) = (&crowd()[1], &crowd()[2], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    let late = Body { epoch: 9, previous: [8; 32], ..zero.next() };
    let late = of(&Craft::new(late, bob.sender(), &all).with_previous(&[3; 32]).seal(), bob);
    let people = roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]);
    let body = Body { epoch: 5, previous: [7; 32], roster: people, ..zero.next() };
    let craft = Craft::new(body, stranger.sender(), &[&stranger.public, me.public()]).with_previous(&[3; 32]);
    let head = register(1, &zero.body.room_id(), 1, 5, &late.transcript());
    let segments = [knows(&bob.public), knows(&stranger.public), by_hand(5, 1, &[kept(&zero), kept(&late), head])];
    let packages: Vec<Vec<u8>> = (0..fewer(4800)).map(|_| sealed_anew(&craft)).collect();
    let timed = |run: &mut dyn FnMut()| {
        let start = ThreadTime::now();
        run();
        start.elapsed()
    };
    let all = |segments: &[Vec<u8>], given: &[Vec<u8>]| {
        let account = recover(segments, given, false).finish().unwrap();
        assert_eq!((account.rooms[0].epochs().count(), account.rooms[0].forks()), (2 + given.len(), Vec::new()));
        account
    };
    is_linear(fewer(1200), |n| timed(&mut || drop(all(&segments, &packages[..n]))));
    is_linear(fewer(1200), |n| {
        let mut account = all(&segments, &packages[..n]);
        let segments = [&segments[..], &[part(&mut account.keyring)]].concat();
        timed(&mut || drop(all(&segments, &packages[..n])))
    });
}

/// A stranger's, that looks as if it were a successor's, is not recommended in the place of a true successor's. [ROOM-20]
#[test]
fn who_looks_like_a_successor_is_not_before_a_true_one() {
    let (bob, stranger, me) = (&crowd()[1], &crowd()[2], me());
    let (new, step) = successor(bob, 41);
    let members = [(bob.id(), ADMIN), (id(&me), MEMBER)];
    let all = [&bob.public, me.public()];
    let zero_package = Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal();
    let zero = of(&zero_package, bob);
    let body = Body { roster: roster(&[(new.id(), ADMIN), (id(&me), MEMBER)]), ..zero.next() };
    let package = Craft::new(body, new.sender(), &[&new.public, me.public()])
        .but(|craft| craft.transition = step.to_bytes().unwrap())
        .seal();
    let one = of(&package, &new);
    // An honest reader takes it.
    let mut live = State::of(id(&me), &[&zero]).room();
    live.apply(&package, &[me.reader()], &directory(), &mut SystemRng).unwrap();
    assert_eq!(live.transcript().as_bytes(), &one.transcript());
    let refresh = |known: &Known| {
        of(
            &Craft::new(known.next(), new.sender(), &[&new.public, me.public()]).with_previous(&known.secret).seal(),
            &new,
        )
    };
    let two = refresh(&one);
    let body = Body { roster: roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]), ..zero.next() };
    let craft = Craft::new(body, stranger.sender(), &[&stranger.public, me.public()]).with_previous(&[3; 32]);
    let planted = (0..256)
        .map(|_| sealed_anew(&craft))
        .find(|package| of(package, stranger).transcript() < one.transcript())
        .unwrap();
    let segments = two_devices(bob, &two, &planted, &[&zero, &one], &two);
    let account = recover(&segments, &[], false).finish().unwrap();
    let room = &account.rooms[0];
    assert_eq!((room.epochs().count(), room.transcript().as_bytes()), (4, &two.transcript()));
    assert!(
        room.settle() == *room.transcript(),
        "{}",
        *room.settle().as_bytes() == of(&planted, stranger).transcript()
    );
}

/// Nor does a stranger put a member's branch out of its place. [ROOM-18]
#[test]
fn strangers_put_no_members_branch_out() {
    let (bob, stranger, carol, me) = (&crowd()[1], &crowd()[2], &crowd()[3], me());
    let all = [&bob.public, &carol.public, me.public()];
    let ([zero, one, ..], segments) = with_a_gap(MEMBER);
    let refresh = |known: &Known, by: &Outsider| refreshed(known, by, &all);
    let (beside, package) = refresh(&zero, carol);
    let to = [&stranger.public, me.public()];
    let people = roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]);
    let mut planted: Vec<Vec<u8>> = (0..64)
        .map(|n| {
            let body = Body { previous: numbered(n), roster: people.clone(), ..one.next() };
            Craft::new(body, stranger.sender(), &to).with_previous(&[3; 32]).seal()
        })
        .collect();
    let first = of(&planted[0], stranger);
    planted.push(package);
    let segments = [&segments[..], &[knows(&stranger.public)]].concat();
    let mut room = recover(&segments, &planted, false).finish().unwrap().rooms.remove(0);
    let holds = |room: &Room| epochs(room).contains(&(1, beside.transcript()));
    assert!(holds(&room) && room.epochs().count() == 4 + 64);
    let follows = Craft::new(first.next(), stranger.sender(), &to).with_previous(&first.secret);
    let answers = [sealed_anew(&follows), sealed_anew(&follows)]
        .map(|package| room.apply(&package, &[me.reader()], &directory(), &mut SystemRng));
    assert!(holds(&room), "{answers:?}");
}

#[derive(Clone)]
struct Node {
    package: Vec<u8>,
    known: Known,
    parent: Option<usize>,
    valid: bool,
    may: bool,
}

/// A random tree of packages: of members, of who may not, of strangers, and of successors.
fn tree(rng: &mut Rand, people: &[Outsider], moves: &[(Outsider, Vec<u8>)]) -> Vec<Node> {
    let me = me();
    let find = |who: &[u8; 32]| -> Option<&Outsider> {
        people.iter().chain(moves.iter().map(|(new, _)| new)).find(|one| one.id() == *who)
    };
    let seal = |body: Body, by: &Outsider, previous: Option<[u8; 32]>, transition: &[u8]| {
        let identities: Vec<PublicIdentity> = body
            .roster
            .iter()
            .map(|(who, _)| if *who == id(&me) { me.public().clone() } else { find(who).unwrap().public.clone() })
            .collect();
        let to: Vec<&PublicIdentity> = identities.iter().collect();
        let craft = Craft::new(body, by.sender(), &to).but(|craft| craft.transition = transition.to_vec());
        let craft = match previous {
            Some(previous) => craft.with_previous(&previous),
            None => craft,
        };
        let package = sealed_anew(&craft);
        let known = of(&package, by);
        (package, known)
    };
    let members = [
        (people[0].id(), ADMIN),
        (people[1].id(), ADMIN),
        (people[2].id(), MEMBER),
        (people[3].id(), MEMBER),
        (id(&me), MEMBER),
    ];
    let (package, known) = seal(Body::first(FROM_JOIN, &members), &people[0], None, &[]);
    let mut nodes = vec![Node { package, known, parent: None, valid: true, may: true }];
    while nodes.len() < 12 {
        let parent =
            if rng.below(3) == 0 { rng.below(nodes.len()) } else { nodes.len() - 1 - rng.below(nodes.len().min(3)) };
        let known = nodes[parent].known.clone();
        let mut body = known.next();
        let old = body.roster.clone();
        let mut previous = Some(known.secret);
        let mut transition = Vec::new();
        let members: Vec<&Outsider> = old.iter().filter_map(|(who, _)| find(who)).collect();
        if members.is_empty() {
            continue;
        }
        let mut by = members[rng.below(members.len())];
        let is_admin = old.contains(&(by.id(), ADMIN));
        let (mut valid, mut may) = (true, true);
        match rng.below(8) {
            0..=2 => {}
            3 => {
                // Takes everything over, as an admin may.
                body.roster = roster(&[(by.id(), ADMIN), (id(&me), MEMBER)]);
                (valid, may) = (is_admin || body.roster == old, is_admin || body.roster == old);
            }
            4 => {
                by = &people[4];
                if old.iter().any(|(who, _)| *who == by.id()) {
                    continue;
                }
                body.roster = roster(&[(by.id(), if rng.below(2) == 0 { ADMIN } else { MEMBER }), (id(&me), MEMBER)]);
                (valid, may) = (false, false);
            }
            5 => {
                previous = Some([3; 32]);
                valid = false;
            }
            6 => {
                let (new, step) = &moves[rng.below(moves.len())];
                let from = people.iter().find(|one| moves_from(step, one)).unwrap().id();
                let Some(role) = old.iter().find(|(who, _)| *who == from).map(|(_, role)| *role) else { continue };
                if old.iter().any(|(who, _)| *who == new.id()) {
                    continue;
                }
                by = new;
                let others = old.iter().filter(|(who, _)| *who != from).copied();
                body.roster = roster(&others.chain([(new.id(), role)]).collect::<Vec<_>>());
                // One who is new: the secret before is absent.
                previous = None;
                may = false;
                if rng.below(3) == 0 {
                    valid = false;
                    previous = Some([4; 32]);
                } else {
                    transition = step.clone();
                }
            }
            _ => {
                let gone = old[rng.below(old.len())].0;
                if gone == id(&me) || gone == by.id() {
                    continue;
                }
                body.roster.retain(|(who, _)| *who != gone);
                (valid, may) = (is_admin, is_admin);
            }
        }
        let (package, known) = seal(body, by, previous, &transition);
        nodes.push(Node { package, known, parent: Some(parent), valid, may });
    }
    nodes
}

fn moves_from(step: &[u8], who: &Outsider) -> bool {
    Transition::from_bytes(step).unwrap().old_fingerprint() == who.public.fingerprint()
}

struct Rand(u64);

impl Rand {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 20) % n as u64) as usize
    }
}

/// After a recovery with gaps: whatever comes in whatever order, the head is what was authorised, and a restart in between
/// makes no difference.
#[test]
fn random_rooms_with_gaps() {
    let runs: u64 = std::env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(60);
    let people: Vec<Outsider> = (21..=25).map(outsider).collect();
    let moves: Vec<(Outsider, Vec<u8>)> = [(1, 31), (2, 32)]
        .map(|(of, n)| {
            let (new, step) = successor(&people[of], n);
            (new, step.to_bytes().unwrap())
        })
        .into();
    let known: Vec<PublicIdentity> =
        people.iter().chain(moves.iter().map(|(new, _)| new)).map(|one| one.public.clone()).collect();
    let me = me();
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for run in std::env::var("FROM").map_or(1, |from| from.parse().unwrap())..=runs {
        let rng = &mut Rand(run.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let nodes = tree(rng, &people, &moves);
        let by_transcript = |transcript: &Transcript| {
            nodes.iter().position(|node| node.known.transcript() == *transcript.as_bytes()).unwrap()
        };
        // A head that came by rights, and of what leads there a part.
        let path = |mut at: usize| {
            let mut path = vec![at];
            while let Some(parent) = nodes[at].parent {
                path.push(parent);
                at = parent;
            }
            path
        };
        let heads: Vec<usize> = (0..nodes.len()).filter(|n| path(*n).iter().all(|at| nodes[*at].valid)).collect();
        let head = heads[rng.below(heads.len())];
        let mut entries = vec![register(1, &nodes[0].known.body.room_id(), 1, 5, &nodes[head].known.transcript())];
        entries
            .extend(path(head).iter().filter(|at| **at == head || rng.below(3) > 0).map(|at| kept(&nodes[*at].known)));
        let mut segments: Vec<Vec<u8>> = known.iter().map(knows).collect();
        segments.push(by_hand(5, 1, &entries));
        let given: Vec<Vec<u8>> = nodes.iter().filter(|_| rng.below(3) == 0).map(|node| node.package.clone()).collect();
        let mut account = recover(&segments, &given, false).finish().unwrap();
        let mut room = account.rooms.remove(0);
        // The same again, the packages from last to first, and after the first recovery was written into the keyring.
        let mut turned = given.clone();
        turned.reverse();
        let mut segments_turned = segments.clone();
        segments_turned.reverse();
        let again = recover(&segments_turned, &turned, false).finish().unwrap().rooms.remove(0);
        assert_eq!(
            (again.transcript(), again.forks(), again.settle(), epochs(&again)),
            (room.transcript(), room.forks(), room.settle(), epochs(&room)),
            "{run}"
        );
        segments.push(part(&mut account.keyring));
        let third = recover(&segments, &given, false);
        let progress = third.progress();
        let third = third.finish().unwrap().rooms.remove(0);
        for (name, same) in [
            ("head", third.transcript() == room.transcript()),
            ("epochs", epochs(&third) == epochs(&room)),
            ("forks", third.forks() == room.forks()),
            ("settle", third.settle() == room.settle()),
            ("progress", progress.epochs == room.epochs().count()),
        ] {
            *seen.entry(format!("again {name}: {same}")).or_default() += 1;
            if !same {
                println!("{run} {name}: {:?}, {:?}", third.epoch(), room.epoch());
            }
        }
        let at = by_transcript(room.transcript());
        // A run that an admin at the head before began is vouched for by them, whatever was between.
        let holds = epochs(&room);
        let is_held = |at: usize| holds.contains(&(nodes[at].known.body.epoch, nodes[at].known.transcript()));
        let known_at = |n: usize| &nodes[n].known;
        let begun = nodes[at].parent.is_none_or(|parent| !is_held(parent))
            || known_at(at).body.epoch > known_at(head).body.epoch && account.rooms.is_empty();
        let detail = || {
            let path: Vec<_> =
                path(at).iter().map(|at| (*at, is_held(*at), nodes[*at].valid, nodes[*at].may)).collect();
            format!(
                "{run}: {at} from {head}, {path:?}, given {:?}",
                nodes.iter().map(|node| given.contains(&node.package)).collect::<Vec<_>>()
            )
        };
        assert!(nodes[at].may || nodes[at].valid || begun, "{}", detail());
        let mut other = hazmat::room_of_state(&hazmat::room_state(&room)).unwrap();
        for step in 0..30 {
            let before = by_transcript(room.transcript());
            let some: Vec<&[u8]> = match rng.below(4) {
                0 => (0..4).map(|_| &nodes[rng.below(nodes.len())].package[..]).collect(),
                _ => vec![&nodes[rng.below(nodes.len())].package[..]],
            };
            other = hazmat::room_of_state(&hazmat::room_state(&other)).unwrap_or_else(|_| panic!("{run} {step}"));
            let answers = if some.len() == 1 {
                [&mut room, &mut other].map(|room| vec![room.apply(some[0], &[me.reader()], &known, &mut SystemRng)])
            } else {
                [&mut room, &mut other].map(|room| room.catch_up(&some, &[me.reader()], &known, &mut SystemRng))
            };
            assert_eq!(answers[0], answers[1], "{run} {step}");
            assert_eq!(&*hazmat::room_state(&room), &*hazmat::room_state(&other), "{run} {step}");
            for answer in &answers[0] {
                let name = format!("{answer:?}");
                *seen.entry(name.split(' ').next().unwrap().to_string()).or_default() += 1;
            }
            let after = by_transcript(room.transcript());
            if after != before {
                let holds = epochs(&room);
                let held = |at: usize| holds.contains(&(nodes[at].known.body.epoch, nodes[at].known.transcript()));
                assert!(nodes[after].valid, "{run} {step}: {:?}", answers[0]);
                // Back to what both have.
                let back = path(before);
                let mut at = nodes[after].parent;
                while let Some(on) = at.filter(|at| !back.contains(at)) {
                    assert!((nodes[on].may || nodes[on].valid) && held(on), "{run} {step}: {:?}", answers[0]);
                    at = nodes[on].parent;
                }
            }
            if rng.below(6) == 0 {
                let best = by_transcript(&room.settle());
                *seen.entry(format!("settles valid: {}", nodes[best].valid)).or_default() += 1;
            }
        }
    }
    println!("{seen:?}");
}
