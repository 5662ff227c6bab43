//! Random stories: a room beside itself, stored and loaded; recoveries in other orders, and written back.

use super::attacks_model::{Story, story};
use crate::common::hand::vector;
use crate::common::keyrings::{by_hand, granted, kept, knows, me, part, recover, recover_from, register};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;
use std::collections::BTreeMap;

fn rounds() -> u64 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(30)
}

/// Its epochs, head and standing.
fn short(room: &Room) -> (Vec<(Epoch, Transcript)>, Transcript, Standing) {
    let epochs = room.epochs().map(|(epoch, transcript, _)| (epoch, *transcript)).collect();
    (epochs, *room.transcript(), room.standing())
}

/// A room does a step, and the same room stored and loaded does it too. What fails changes nothing.
fn both<T: PartialEq + std::fmt::Debug>(room: &mut Room, what: &str, step: impl Fn(&mut Room) -> Result<T, Error>) {
    let before = hazmat::room_state(room);
    let mut twin = hazmat::room_of_state(&before).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(hazmat::room_state(&twin), before, "{what}");
    let answer = step(room);
    assert_eq!(step(&mut twin), answer, "{what}");
    let sees = |room: &Room| (hazmat::room_state(room), room.forks(), room.settle(), *room.me());
    assert_eq!(sees(&twin), sees(room), "{what}");
    assert!(answer.is_ok() || sees(room).0 == before, "{what}");
}

/// Entries of a keyring that has some of a story.
fn some_kept(choices: &mut Choices, known: &[Known], me: &Identity) -> Vec<(u8, Vec<u8>)> {
    let has = |body: &Body| body.roster.iter().any(|(who, _)| *who == id(me));
    let (mut entries, mut heads) = (Vec::new(), Vec::new());
    for one in known {
        if choices.below(5) < 2 && (has(&one.body) || choices.below(4) == 0) {
            let secret = choices.below(4) > 0;
            entries.push(if secret { kept(one) } else { granted(one) });
            if secret && has(&one.body) {
                heads.push(one);
            }
        }
    }
    if heads.is_empty() {
        return Vec::new();
    }
    if choices.below(3) > 0 {
        let head = heads[choices.below(heads.len())];
        entries.push(register(1, &known[0].body.room_id(), 1, 5, &head.transcript()));
    }
    entries.sort();
    entries.dedup();
    entries
}

/// A grant of what came before an epoch that the room holds, if anything did.
fn grant(room: &Room, known: &[Known], by: &Outsider, to: &PublicIdentity, choices: &mut Choices) -> Option<Vec<u8>> {
    let of: BTreeMap<[u8; 32], &Known> = known.iter().map(|one| (one.transcript(), one)).collect();
    let own: Vec<&Known> =
        room.epochs().filter_map(|(_, transcript, _)| of.get(transcript.as_bytes()).copied()).collect();
    let from = own.get(choices.below(own.len().max(1)))?;
    let before = std::iter::successors(of.get(&from.body.previous), |one| of.get(&one.body.previous));
    let mut chain: Vec<Vec<u8>> = before.take(choices.below(4) + 1).map(|one| one.granted()).collect();
    chain.reverse();
    if chain.is_empty() {
        return None;
    }
    let content = [&room.id().as_bytes()[..], &vector(&chain.concat())].concat();
    let to = [to.recipient()];
    let envelope = Envelope::to(&to).public_data(room.id().as_bytes()).signed_by(by.sender());
    Some(hazmat::seal_as(&envelope, ContentType::HistoryGrant, &content, &mut SystemRng).unwrap())
}

fn segments(entries: &[(u8, Vec<u8>)]) -> Vec<Vec<u8>> {
    let mut segments: Vec<Vec<u8>> = [1, 2, 3, 6, 7].map(|n: usize| knows(&crowd()[n].public)).to_vec();
    if !entries.is_empty() {
        segments.push(by_hand(5, 1, entries));
    }
    segments
}

fn in_room(room: &Room, one: &Outsider) -> bool {
    room.roster().iter().any(|member| member.fingerprint == *one.public.fingerprint())
}

fn owned(some: &[&[u8]]) -> Vec<Vec<u8>> {
    some.iter().map(|one| one.to_vec()).collect()
}

/// Some of them, in any order.
fn some<'a>(packages: impl Iterator<Item = &'a [u8]>, choices: &mut Choices, of: usize) -> Vec<&'a [u8]> {
    let mut given: Vec<&[u8]> = packages.filter(|_| choices.below(of) > 0).collect();
    choices.shuffle(&mut given);
    given
}

/// After each step a room that is stored and loaded is the same, and does the same.
#[test]
fn twins() {
    let (me, people) = (me(), directory());
    for round in 0..rounds() {
        let mut choices = Choices((round + 1_000_000).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let Story { packages, known } = story(&mut choices, &me, round);
        let all = || packages.iter().map(|one| &one.bytes[..]);
        let entries = some_kept(&mut choices, &known, &me);
        let given = some(all(), &mut choices, 2);
        let mut rooms = recover(&segments(&entries), &owned(&given), false).finish().unwrap().rooms;
        let Some(mut room) = rooms.pop() else { continue };
        for _ in 0..16 {
            let one = all().nth(choices.below(packages.len())).unwrap();
            let many = some(all(), &mut choices, 3);
            let granter = crowd().iter().find(|one| in_room(&room, one));
            let grant = granter.and_then(|by| Some((grant(&room, &known, by, me.public(), &mut choices)?, by)));
            step(&mut room, round, &mut choices, &Given { one, many, grant, readers: &[me.reader()], people: &people });
        }
    }
}

/// What a recovery came to, written into the keyring, comes back without the packages; with them again nothing is lost. (More
/// may come: what a kept epoch names is taken by its name.)
#[test]
fn written_back() {
    let me = me();
    for round in 0..rounds() {
        let mut choices = Choices((round + 2_000_000).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let Story { packages, known } = story(&mut choices, &me, round);
        let entries = some_kept(&mut choices, &known, &me);
        let given = owned(&some(packages.iter().map(|one| &one.bytes[..]), &mut choices, 3));
        let mut all = segments(&entries);
        let mut account = recover(&all, &given, false).finish().unwrap();
        let Some(room) = account.rooms.first() else { continue };
        account.keyring.record(room).unwrap();
        all.push(part(&mut account.keyring));
        let without = recover(&all, &[], false).finish().unwrap().rooms.remove(0);
        assert_eq!((epochs(&without), without.transcript()), (epochs(room), room.transcript()), "{round}");
        let with = recover(&all, &given, false).finish().unwrap().rooms.remove(0);
        assert_eq!(with.transcript(), room.transcript(), "{round}");
        let more = short(&with).0;
        assert!(short(room).0.iter().all(|one| more.contains(one)), "{round}");
    }
}

/// Identities that come one by one, in whatever order, make no difference. [REC-05]
#[test]
fn identities_one_by_one() {
    let me = me();
    for round in 0..rounds() {
        let mut choices = Choices((round + 3_000_000).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let Story { packages, known } = story(&mut choices, &me, round);
        let entries = some_kept(&mut choices, &known, &me);
        let given = owned(&some(packages.iter().map(|one| &one.bytes[..]), &mut choices, 4));
        let first = recover(&segments(&entries), &given, false).finish().unwrap();
        let kept = if entries.is_empty() { vec![] } else { vec![by_hand(5, 1, &entries)] };
        let second = recover_from(|wanted| match wanted {
            Wanted::Segments => kept.clone(),
            Wanted::Packages { .. } => given.clone(),
            Wanted::Identities { of } => {
                let who = of[choices.below(of.len())];
                crowd().iter().filter(|one| *one.public.fingerprint() == who).map(|one| one.public.to_bytes()).collect()
            }
            _ => Vec::new(),
        });
        let rooms = |account: &Account| account.rooms.iter().map(short).collect::<Vec<_>>();
        assert_eq!(rooms(&second.finish().unwrap()), rooms(&first), "{round}");
    }
}

/// Somebody of a story, with who they were before.
struct Cast {
    people: Vec<Outsider>,
    transitions: Vec<(usize, usize, Transition)>,
}

fn cast() -> Cast {
    let mut people: Vec<Outsider> = (1..=5).map(outsider).collect();
    let mut transitions = Vec::new();
    for (old, n) in [(1, 71), (2, 72), (0, 73), (5, 74)] {
        let (new, transition) = successor(&people[old], n);
        transitions.push((old, people.len(), transition));
        people.push(new);
    }
    Cast { people, transitions }
}

/// Packages of a room of the person 0, who is also the ones that follow them, with all that may happen, and some that may not.
fn wild(choices: &mut Choices, cast: &Cast, round: u64) -> (Vec<Vec<u8>>, Vec<Known>) {
    let of = |who: &[u8; 32]| cast.people.iter().find(|one| one.id() == *who).unwrap();
    let history = if choices.below(2) == 0 { FROM_JOIN } else { SHARED };
    let p = &cast.people;
    let role = |choices: &mut Choices| if choices.below(2) == 0 { ADMIN } else { MEMBER };
    let members = [(p[1].id(), ADMIN), (p[2].id(), role(choices)), (p[3].id(), MEMBER), (p[0].id(), role(choices))];
    let first = Body { nonce: [round as u8; 16], ..Body::first(history, &members) };
    let to: Vec<_> = first.roster.iter().map(|(who, _)| &of(who).public).collect();
    let package = Craft::new(first, p[1].sender(), &to).seal();
    let mut known = vec![Known::of(&package, p[1].reader(), p[1].id())];
    let mut packages = vec![package];
    for _ in 0..choices.below(12) + 5 {
        let parent = known[if choices.below(3) == 0 { choices.below(known.len()) } else { known.len() - 1 }].clone();
        let mut body = parent.next();
        let there = |body: &Body, n: usize| body.roster.iter().any(|(who, _)| *who == p[n].id());
        let inside: Vec<usize> = (0..p.len()).filter(|n| there(&parent.body, *n)).collect();
        let mut author = inside[choices.below(inside.len())];
        if choices.below(3) > 0 {
            let admins: Vec<usize> =
                inside.iter().copied().filter(|n| parent.body.roster.contains(&(p[*n].id(), ADMIN))).collect();
            author = *admins.get(choices.below(admins.len().max(1))).unwrap_or(&author);
        }
        let mut transition = Vec::new();
        let other = choices.below(p.len());
        match choices.below(9) {
            0 | 1 => body.roster.retain(|(who, _)| *who != p[other].id() || other == author),
            2 | 3 if !there(&body, other) => {
                body.roster = roster(&[&body.roster[..], &[(p[other].id(), role(choices))]].concat());
            }
            4 => body.roster.iter_mut().for_each(|(who, role)| {
                if *who == p[other].id() && other != author {
                    *role = 3 - *role;
                }
            }),
            5 | 6 => {
                let can: Vec<_> =
                    cast.transitions.iter().filter(|(old, new, _)| there(&body, *old) && !there(&body, *new)).collect();
                if let Some((old, new, by)) = can.get(choices.below(can.len().max(1))) {
                    body.roster.iter_mut().for_each(|(who, _)| {
                        if *who == p[*old].id() {
                            *who = p[*new].id();
                        }
                    });
                    body.roster = roster(&body.roster);
                    transition = by.to_bytes().unwrap();
                    if choices.below(3) > 0 || author == *old {
                        author = *new;
                    }
                }
            }
            _ => {}
        }
        if body.roster.iter().all(|(_, role)| *role == MEMBER) {
            continue;
        }
        let mut previous = parent.secret;
        match choices.below(14) {
            0 => {
                body.epoch += choices.below(3) as u64;
                body.previous = [choices.below(200) as u8; 32];
            }
            1 => previous = [0xee; 32],
            _ => {}
        }
        let new: Vec<[u8; 32]> = body
            .roster
            .iter()
            .map(|(who, _)| *who)
            .filter(|who| parent.body.roster.iter().all(|(old, _)| old != who))
            .collect();
        let adds = !new.is_empty() && parent.body.roster.iter().all(|one| body.roster.contains(one));
        let kek = parent.epoch_kek();
        let key = SymmetricKey::take(&mut kek.clone());
        let by_add = adds && choices.below(2) == 0;
        let left_out = choices.below(4) == 0;
        let to: Vec<_> = if by_add {
            body.adds = parent.body.adds + 1;
            new.iter().map(|who| &of(who).public).collect()
        } else {
            let mine = |who: &[u8; 32]| *who == p[0].id();
            body.roster
                .iter()
                .map(|(who, _)| if mine(who) && left_out { &p[4].public } else { &of(who).public })
                .collect()
        };
        let reader = of(to[0].fingerprint().as_bytes());
        let mut craft = Craft::new(body, p[author].sender(), &to);
        if history == SHARED || new.is_empty() {
            craft = craft.with_previous(&previous);
        }
        craft.transition = transition;
        if by_add {
            craft.to.push(Recipient::symmetric(&key));
        }
        let package = sealed_anew(&craft);
        known.push(Known::of(&package, reader.reader(), p[author].id()));
        packages.push(package);
    }
    (packages, known)
}

/// As [`twins`], with replacements and rooms from packages alone. What was given twice brings nothing the second time.
#[test]
fn wild_twins() {
    let cast = cast();
    let p = &cast.people;
    // The person 0, and who follows that one.
    let readers = [p[0].reader(), p[cast.transitions[2].1].reader()];
    let people: Vec<PublicIdentity> = p.iter().map(|one| one.public.clone()).collect();
    for round in 0..rounds() {
        let mut choices = Choices((round + 4_000_000).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (packages, known) = wild(&mut choices, &cast, round);
        let all = || packages.iter().map(Vec::as_slice);
        let given = some(all(), &mut choices, 2);
        let id = RoomId::from_bytes(known[0].body.room_id());
        let Ok(found) = Room::recover(&id, &given, &readers, &people, &mut SystemRng) else { continue };
        let mut room = found.room;
        for _ in 0..18 {
            let one = all().nth(choices.below(packages.len())).unwrap();
            let many = some(all(), &mut choices, 3);
            let granter = p.iter().find(|one| in_room(&room, one));
            let grant = granter.and_then(|by| Some((grant(&room, &known, by, &p[0].public, &mut choices)?, by)));
            if choices.below(12) > 0 {
                step(&mut room, round, &mut choices, &Given { one, many, grant, readers: &readers, people: &people });
                continue;
            }
            both(&mut room, &format!("round {round}: joins again"), |room| {
                let joined = p.iter().find_map(|by| {
                    let mut joining = Room::join(one, &by.public, &readers, &mut SystemRng).ok()?;
                    while let Some(wanted) = joining.wanted() {
                        let of = |one: &&[u8]| {
                            inspect(one)
                                .is_ok_and(|info| matches!(info, Info::RoomEpoch { epoch, .. } if epoch == wanted))
                        };
                        all().filter(of).find(|one| joining.past(one, &people).is_ok())?;
                    }
                    Some(joining)
                });
                joined.map(|joining| joining.finish_into(room)).transpose()
            });
        }
    }
}

/// What a step may take.
struct Given<'a> {
    one: &'a [u8],
    many: Vec<&'a [u8]>,
    grant: Option<(Vec<u8>, &'a Outsider)>,
    readers: &'a [Reader<'a>],
    people: &'a [PublicIdentity],
}

/// Something that may happen to a room, and to its twin.
fn step(room: &mut Room, round: u64, choices: &mut Choices, given: &Given<'_>) {
    let Given { one, many, grant, readers, people } = given;
    let what = |what: &str| format!("round {round}: {what}");
    let held: Vec<Transcript> = room.epochs().map(|(_, transcript, _)| *transcript).collect();
    let target = held[choices.below(held.len())];
    match choices.below(10) {
        0..=2 => both(room, &what("apply"), |room| room.apply(one, readers, people, &mut SystemRng)),
        3 | 4 => both(room, &what("catch up"), |room| {
            let said = room.catch_up(many, readers, people, &mut SystemRng);
            let state = hazmat::room_state(room);
            let _ = room.catch_up(many, readers, people, &mut SystemRng);
            assert_eq!(hazmat::room_state(room), state, "round {round}: what was given twice");
            Ok(said)
        }),
        5 | 6 => {
            if let Some((grant, by)) = grant {
                both(room, &what("grant"), |room| room.accept_grant(grant, &by.public, readers, &mut SystemRng));
            }
        }
        7 => both(room, &what("switch"), |room| room.switch_to(&target)),
        8 => both(room, &what("settle"), |room| room.switch_to(&room.settle())),
        _ => both(room, &what("accept"), |room| {
            room.accept_head();
            Ok(())
        }),
    }
}
