//! SPEC §21 step 3, read literally and slowly on plain data, against the library.

use super::attacks_batch::sealed;
use crate::common::keyrings::{by_hand, kept, knows, me, recover, register};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;
use std::collections::{BTreeMap, BTreeSet};

type Key = (u64, [u8; 32]);

#[derive(Clone, Debug)]
pub(super) struct Package {
    pub(super) bytes: Vec<u8>,
    pub(super) known: Known,
    previous: Option<[u8; 32]>,
    signed: bool,
    to_me: bool,
    public: usize,
    kek: Option<[u8; 32]>,
    key: Key,
}

impl Package {
    fn key(&self) -> Key {
        self.key
    }
    fn parent(&self) -> Option<Key> {
        parent(&self.known.body)
    }
}

fn key_of(known: &Known) -> Key {
    (known.body.epoch, known.transcript())
}

fn parent(body: &Body) -> Option<Key> {
    Some((body.epoch.checked_sub(1)?, body.previous))
}

#[derive(Clone, Debug)]
struct Held {
    known: Known,
    kek: [u8; 32],
    secret: bool,
    own: bool,
}

impl Held {
    fn of(known: &Known, secret: bool, own: bool) -> Self {
        Self { known: known.clone(), kek: known.epoch_kek(), secret, own }
    }
    /// What does not is only read.
    fn counts(&self) -> bool {
        self.own || self.secret
    }
}

fn has(body: &Body, who: &[u8; 32]) -> bool {
    body.roster.iter().any(|(member, _)| member == who)
}
fn admin(body: &Body, who: &[u8; 32]) -> bool {
    body.roster.contains(&(*who, ADMIN))
}

#[derive(Clone, Default)]
struct Model {
    me: [u8; 32],
    held: BTreeMap<Key, Held>,
    head: Option<Key>,
    behind: u64,
    opened: BTreeSet<usize>,
    taken: BTreeSet<usize>,
    done: BTreeSet<usize>,
    /// Keys for additions after what is only read.
    keks: BTreeSet<(u64, [u8; 32])>,
}

impl Model {
    fn open(&mut self, all: &[Package]) {
        loop {
            let before = self.opened.len();
            for (n, one) in all.iter().enumerate() {
                let held = self.held.values().any(|held| {
                    held.secret
                        && held.known.commitment == one.known.commitment
                        && held.known.body.epoch == one.known.body.epoch
                });
                let by_kek = one.kek.is_some_and(|kek| {
                    self.held
                        .iter()
                        .any(|(key, held)| held.secret && key.0 + 1 == one.known.body.epoch && held.kek == kek)
                        || self.keks.contains(&(one.known.body.epoch - 1, kek))
                });
                let named = self.opened.iter().any(|other| {
                    let other = &all[*other];
                    other.previous == Some(one.known.secret) && other.parent() == Some(one.key())
                });
                if one.to_me || held || by_kek || named {
                    self.opened.insert(n);
                }
            }
            if self.opened.len() == before {
                return;
            }
        }
    }

    fn passes(one: &Package, parent: &Held) -> bool {
        let (old, new, signer) = (&parent.known.body, &one.known.body, &one.known.signer);
        let may = if admin(old, signer) { admin(new, signer) } else { has(old, signer) && old.roster == new.roster };
        let newcomers = new.roster.iter().filter(|(who, _)| !has(old, who)).count();
        let wrapped = if new.adds == 0 {
            one.kek.is_none() && one.public == new.roster.len()
        } else {
            parent.secret
                && new.adds == old.adds + 1
                && one.kek == Some(parent.kek)
                && newcomers > 0
                && old.roster.iter().all(|member| new.roster.contains(member))
                && one.public == newcomers
        };
        let carries = new.history == SHARED || newcomers == 0;
        let previous = carries == one.previous.is_some()
            && one.previous.is_none_or(|secret| parent.secret && secret == parent.known.secret);
        may && wrapped && previous
    }

    /// Without a parent. SPEC §18.7
    fn begins(&self, one: &Package) -> bool {
        let (body, signer) = (&one.known.body, &one.known.signer);
        let plain_ok = body.adds == 0 && one.previous.is_some();
        let wraps = match (body.adds, one.kek.is_some()) {
            (0, false) => one.public == body.roster.len(),
            (1..=64, true) => one.public >= 1 && one.public < body.roster.len(),
            _ => false,
        };
        one.signed
            && has(body, &self.me)
            && has(body, signer)
            && (admin(body, signer) || plain_ok)
            && (body.epoch == 0 || (wraps && (body.history != SHARED || one.previous.is_some())))
    }

    fn children(&self, of: Key) -> impl Iterator<Item = (&Key, &Held)> {
        self.held.iter().filter(move |(_, held)| parent(&held.known.body) == Some(of))
    }
    fn own_child(&self, of: Key) -> bool {
        self.children(of).any(|(_, held)| held.own)
    }
    fn yields(&self, held: &Held) -> bool {
        let parent = parent(&held.known.body).and_then(|key| self.held.get(&key));
        parent.is_some_and(|parent| !admin(&parent.known.body, &held.known.signer))
    }
    /// By what is held.
    fn may_follow(&self, held: &Held) -> bool {
        let (next, signer) = (&held.known.body, &held.known.signer);
        parent(next).and_then(|key| self.held.get(&key)).is_some_and(|before| {
            let body = &before.known.body;
            if admin(body, signer) { admin(next, signer) } else { body.roster == next.roster && has(body, signer) }
        })
    }

    /// Of those that may follow.
    fn best_child(&self, of: Key) -> Option<Key> {
        let body = &self.held.get(&of)?.known.body;
        let removes = |child: &Held| body.roster.iter().any(|(who, _)| !has(&child.known.body, who));
        let children = self.children(of).filter(|(_, child)| self.may_follow(child));
        children.min_by_key(|(key, child)| (self.yields(child), !removes(child), key.1)).map(|(key, _)| *key)
    }

    /// The number of the latest epoch of the own branch that does not yield.
    fn unyielding(&self) -> u64 {
        let mut at = self.head.unwrap();
        while let Some(held) = self.held.get(&at).filter(|held| self.yields(held)) {
            at = parent(&held.known.body).unwrap();
        }
        at.0
    }

    /// Of these, what does not lead to the head has not its secret any more, and is looked at again.
    fn only_read(&mut self, places: &[usize], all: &[Package]) {
        for n in places {
            let held = self.held.get_mut(&all[*n].key()).unwrap();
            if !held.own {
                held.secret = false;
                self.keks.insert((all[*n].key().0, held.kek));
                self.done.remove(n);
            }
        }
    }

    fn set_head(&mut self, head: Key) {
        let mut path = BTreeSet::new();
        let mut next = Some(head);
        while let Some(key) = next {
            path.insert(key);
            next = parent(&self.held[&key].known.body).and_then(|parent| {
                if self.held.contains_key(&parent) {
                    return Some(parent);
                }
                let is_own = |held: &Held| held.own && held.secret;
                self.held.iter().rev().find(|(key, held)| is_own(held) && key.0 < parent.0).map(|(key, _)| *key)
            });
        }
        for (key, held) in &mut self.held {
            held.own = path.contains(key);
        }
        self.come_to(head);
    }
    fn come_to(&mut self, head: Key) {
        self.head = Some(head);
        if self.behind <= self.unyielding() {
            self.behind = 0;
        }
    }
    fn insert(&mut self, one: &Package, own: bool) {
        self.held.insert(one.key(), Held::of(&one.known, true, own));
    }
    fn lacks_parent(&self, one: &Package) -> bool {
        one.parent().is_none_or(|key| !self.counts(&key))
    }
    fn counts(&self, key: &Key) -> bool {
        self.held.get(key).is_some_and(Held::counts)
    }

    fn gives_way(&self, one: &Package) -> bool {
        let new = Held::of(&one.known, true, false);
        if self.yields(&new) || one.known.body.adds > 0 {
            return false;
        }
        let mut common = one.parent();
        while let Some(held) = common.and_then(|key| self.held.get(&key)).filter(|held| !held.own) {
            if !held.counts() || !self.yields(held) || !self.may_follow(held) {
                return false;
            }
            common = parent(&held.known.body);
        }
        let (Some(common), Some(mut own)) = (common, self.head) else { return false };
        while own != common {
            let Some(held) = self.held.get(&own).filter(|held| self.yields(held)) else { return false };
            let Some(before) = parent(&held.known.body) else { return false };
            own = before;
        }
        true
    }

    /// §18.3, for one: whether it is held then, or was.
    fn apply(&mut self, one: &Package) -> bool {
        let (key, head) = (one.key(), self.head.unwrap());
        match self.held.get(&key).filter(|held| held.counts() && one.parent() != Some(head)) {
            Some(held) if held.secret => return true,
            Some(_) if !one.signed => return false,
            Some(_) => {
                self.held.get_mut(&key).unwrap().secret = true;
                return true;
            }
            _ => {}
        }
        let Some(before) = one.parent().and_then(|key| self.held.get(&key)).filter(|held| held.counts()) else {
            let ahead =
                one.signed && key.0 > self.unyielding() && admin(&self.held[&head].known.body, &one.known.signer);
            if ahead {
                let by_admin = admin(&one.known.body, &one.known.signer);
                self.behind = self.behind.max(if by_admin { key.0 } else { self.unyielding() + 1 });
            }
            return false;
        };
        if !one.signed || !Self::passes(one, before) || !has(&one.known.body, &self.me) {
            return false;
        }
        if one.parent() == Some(head) {
            self.insert(one, true);
            self.come_to(key);
        } else if self.own_child(key) {
            self.insert(one, true);
            self.set_head(head);
        } else if self.gives_way(one) {
            self.insert(one, false);
            self.set_head(key);
        } else {
            self.insert(one, false);
        }
        true
    }

    fn note(&mut self, n: usize, brought: bool) -> bool {
        self.done.insert(n);
        brought && self.taken.insert(n)
    }

    /// Those that lead to `later` by copies: their places.
    fn copies(&self, all: &[Package], key: Option<Key>) -> Vec<usize> {
        (0..all.len())
            .filter(|n| self.opened.contains(n) && all[*n].signed && key.is_some() && Some(all[*n].key()) == key)
            .collect()
    }

    /// One, and before it what leads to it.
    fn take(&mut self, n: usize, all: &[Package]) -> bool {
        let mut any = false;
        self.open(all);
        if !self.opened.contains(&n) {
            return false;
        }
        let (mut chain, mut at) = (Vec::new(), n);
        while all[n].signed && self.lacks_parent(&all[at]) {
            let copies = self.copies(all, all[at].parent());
            let Some(first) = copies.first() else {
                chain.clear();
                break;
            };
            at = *first;
            chain.push(copies);
        }
        for copies in chain.into_iter().rev() {
            let key = all[copies[0]].key();
            for copy in copies {
                let was = self.held.get(&key).is_some_and(|held| held.secret);
                if self.apply(&all[copy]) {
                    any |= self.note(copy, !was);
                    break;
                }
            }
            if !self.counts(&key) {
                break;
            }
        }
        let was = self.held.get(&all[n].key()).is_some_and(|held| held.secret);
        if self.apply(&all[n]) {
            any |= self.note(n, !was);
        }
        self.follow(all);
        any
    }

    /// Those that were held before the head that they follow.
    fn follow(&mut self, all: &[Package]) {
        let follows = |model: &Self, n: &usize| {
            let (key, head) = (all[*n].key(), model.head.unwrap());
            model.opened.contains(n) && model.counts(&key) && all[*n].parent() == Some(head)
        };
        while (0..all.len()).any(|n| follows(self, &n) && self.apply(&all[n])) {}
    }

    /// What is kept and follows the head. [KRG-08]
    fn go_on(&mut self) -> bool {
        let (mut at, mut last) = (self.head.unwrap(), None);
        while let Some(child) = self.best_child(at) {
            let next = &self.held[&child];
            at = child;
            if next.secret && has(&next.known.body, &self.me) {
                last = Some(at);
            }
        }
        if let Some(last) = last {
            self.set_head(last);
        }
        last.is_some()
    }

    fn catch_up(&mut self, all: &[Package]) -> bool {
        let mut any = false;
        loop {
            let mut more = false;
            for n in 0..all.len() {
                if !self.done.contains(&n) {
                    more |= self.take(n, all);
                }
            }
            if !more {
                return any;
            }
            any = true;
        }
    }

    /// The way back from the first of a run. SPEC §18.7
    fn past(&mut self, first: usize, all: &[Package]) {
        self.open(all);
        let (mut later, mut any, mut way) = (vec![first], false, vec![first]);
        while all[first].signed && self.lacks_parent(&all[later[0]]) {
            let copies = self.copies(all, all[later[0]].parent());
            let Some(one) = copies.first().map(|n| &all[*n]) else { break };
            let held = Held::of(&one.known, true, false);
            let fits = later.iter().any(|n| Self::passes(&all[*n], &held));
            let before = one.parent().and_then(|key| self.held.get(&key)).filter(|held| held.counts());
            let fits_too = before.is_none_or(|before| copies.iter().any(|n| Self::passes(&all[*n], before)));
            if !fits || !fits_too {
                break;
            }
            self.held.insert(one.key(), held);
            way.push(copies[0]);
            self.note(copies[0], true);
            (later, any) = (copies, true);
        }
        if any {
            self.set_head(self.head.unwrap());
        }
        if self.lacks_parent(&all[later[0]]) {
            self.only_read(&way, all);
        }
    }

    fn begin_run(&mut self, one: &Package) -> bool {
        let head = self.head.unwrap();
        let number = one.key().0;
        let is_later = number > head.0 || number > self.unyielding() && one.known.body.adds == 0;
        if !is_later || !admin(&self.held[&head].known.body, &one.known.signer) {
            return false;
        }
        self.insert(one, true);
        // The own branch of what leads there.
        self.set_head(one.key());
        true
    }

    /// What epochs name. SPEC §21
    fn named(&mut self, all: &[Package]) -> bool {
        let (mut any, mut more) = (false, false);
        for n in (0..all.len()).rev() {
            let one = &all[n];
            let wanted = !self.done.contains(&n)
                && self.opened.contains(&n)
                && one.signed
                && !self.counts(&one.key())
                && self.own_child(one.key());
            let before = one.parent().and_then(|key| self.held.get(&key)).filter(|held| held.secret);
            if wanted && before.is_none_or(|before| Self::passes(one, before)) {
                self.insert(one, true);
                any |= self.note(n, true);
                more = true;
            }
        }
        if more {
            self.set_head(self.head.unwrap());
        }
        any
    }

    fn runs(&mut self, all: &[Package]) -> bool {
        let mut any = false;
        let numbers: BTreeSet<u64> = all.iter().map(|one| one.key().0).collect();
        for number in numbers {
            self.open(all);
            for n in 0..all.len() {
                let one = &all[n];
                let wanted = one.key().0 == number && !self.done.contains(&n) && self.opened.contains(&n);
                if !wanted || !self.lacks_parent(one) || !self.begins(one) {
                    continue;
                }
                let begun = if self.begin_run(one) {
                    true
                } else if number > self.head.unwrap().0
                    || self.held.iter().any(|(key, held)| held.own && key.0 == number && !self.yields(held))
                {
                    false
                } else {
                    self.insert(one, false);
                    if self.own_child(one.key()) {
                        self.set_head(self.head.unwrap());
                    }
                    true
                };
                if begun {
                    any |= self.note(n, true);
                    self.past(n, all);
                    self.follow(all);
                }
            }
            any |= self.catch_up(all);
        }
        any
    }

    fn kept(&mut self, all: &[Package]) {
        self.catch_up(all);
        while self.go_on() || self.named(all) || self.runs(all) {
            self.catch_up(all);
        }
    }

    fn recover(&mut self, all: &[Package]) {
        loop {
            let mut more = false;
            for n in 0..all.len() {
                if self.done.contains(&n) {
                    continue;
                }
                self.open(all);
                let one = &all[n];
                if !self.opened.contains(&n) {
                    continue;
                }
                if self.head.is_none() {
                    if self.begins(one) {
                        self.insert(one, true);
                        self.head = Some(one.key());
                        more |= self.note(n, true);
                        self.past(n, all);
                    }
                    continue;
                }
                let held = self.held.contains_key(&one.key());
                more |= self.take(n, all);
                if !self.lacks_parent(one) {
                    continue;
                }
                if held {
                    self.past(n, all);
                    self.follow(all);
                } else if !self.done.contains(&n) && self.begins(one) && self.begin_run(one) {
                    more |= self.note(n, true);
                    self.past(n, all);
                    self.follow(all);
                }
            }
            if !more {
                return;
            }
        }
    }
}

pub(super) struct Story {
    pub(super) packages: Vec<Package>,
    pub(super) known: Vec<Known>,
}

pub(super) fn story(choices: &mut Choices, me: &Identity, round: u64) -> Story {
    let history = if choices.below(2) == 0 { FROM_JOIN } else { SHARED };
    let people = [&crowd()[1], &crowd()[2], &crowd()[3]];
    let mine = id(me);
    let members = [(people[0].id(), ADMIN), (people[1].id(), ADMIN), (people[2].id(), MEMBER), (mine, MEMBER)];
    let mut first = Body { nonce: [round as u8; 16], ..Body::first(history, &members) };
    if choices.below(3) == 0 {
        first.roster.retain(|(who, _)| *who != mine);
    }
    let mut n = 1;
    let public = |who: &[u8; 32]| {
        if *who == mine { me.public() } else { &crowd().iter().find(|one| one.id() == *who).unwrap().public }
    };
    let make = |craft: &Craft<'_>, to: &[&PublicIdentity], n: u8, author: &Outsider, by: &Outsider, known: &Known| {
        let bytes = sealed(craft, to, n, author.id(), by);
        let previous = (craft.has_previous == 1).then(|| craft.previous[..].try_into().unwrap());
        let to_me = to.iter().any(|who| who.fingerprint() == me.public().fingerprint());
        let signed = author.id() == by.id();
        Package {
            bytes,
            known: known.clone(),
            previous,
            signed,
            to_me,
            public: to.len(),
            kek: None,
            key: key_of(known),
        }
    };
    let to: Vec<_> = first.roster.iter().map(|(who, _)| public(who)).collect();
    let craft = Craft::new(first, people[0].sender(), &to);
    let bytes = sealed(&craft, &to, n, people[0].id(), people[0]);
    let mut known = vec![Known::of(&bytes, people[0].reader(), people[0].id())];
    let mut packages = vec![make(&craft, &to, n, people[0], people[0], &known[0])];
    for _ in 0..choices.below(10) + 4 {
        n += 1;
        let parent = if choices.below(4) == 0 {
            known[choices.below(known.len())].clone()
        } else {
            known[known.len() - 1].clone()
        };
        let author = people[choices.below(3)];
        let mut body = parent.next();
        let mut previous = parent.secret;
        match choices.below(12) {
            0 => {
                body.epoch += choices.below(3) as u64;
                body.previous = [n; 32];
            }
            1 => previous = [0xee; 32],
            _ => {}
        }
        match choices.below(7) {
            0 => body.roster.retain(|(who, _)| *who != people[2].id() || *who == author.id()),
            1 => body.roster.retain(|(who, _)| *who != mine),
            2 => body.roster.retain(|(who, _)| *who != people[1].id() || *who == author.id()),
            3 | 4 => {
                for who in [mine, people[2].id()] {
                    if !has(&body, &who) && choices.below(3) > 0 {
                        body.roster = roster(&[&body.roster[..], &[(who, MEMBER)]].concat());
                    }
                }
            }
            5 if choices.below(4) == 0 => body.roster.iter_mut().for_each(|(_, role)| *role = ADMIN),
            _ => {}
        }
        if !has(&body, &author.id()) {
            continue;
        }
        let newcomers: Vec<[u8; 32]> =
            body.roster.iter().map(|(who, _)| *who).filter(|who| !has(&parent.body, who)).collect();
        let adds = parent.body.roster.iter().all(|member| body.roster.contains(member)) && !newcomers.is_empty();
        if adds && choices.below(2) == 0 {
            body.adds = parent.body.adds + 1;
            let to: Vec<_> = newcomers.iter().map(public).collect();
            let mut craft = Craft::new(body, author.sender(), &to);
            if history == SHARED {
                craft = craft.with_previous(&previous);
            }
            let kek = parent.epoch_kek();
            let key = SymmetricKey::take(&mut kek.clone());
            craft.to.push(Recipient::symmetric(&key));
            let bytes = craft.seal();
            let one = if newcomers[0] == mine {
                Known::of(&bytes, me.reader(), author.id())
            } else {
                Known::of(&bytes, crowd().iter().find(|one| one.id() == newcomers[0]).unwrap().reader(), author.id())
            };
            packages.push(Package {
                bytes,
                known: one.clone(),
                previous: (history == SHARED).then_some(previous),
                signed: true,
                to_me: newcomers.contains(&mine),
                public: newcomers.len(),
                kek: Some(kek),
                key: key_of(&one),
            });
            known.push(one);
            continue;
        }
        let left_out = choices.below(3) == 0;
        let to: Vec<_> = body
            .roster
            .iter()
            .map(|(who, _)| if *who == mine && left_out { &crowd()[7].public } else { public(who) })
            .collect();
        let mut craft = Craft::new(body, author.sender(), &to);
        if history == SHARED || newcomers.is_empty() {
            craft = craft.with_previous(&previous);
        }
        let bytes = sealed(&craft, &to, n, author.id(), author);
        let one = Known::of(&bytes, author.reader(), author.id());
        for _ in 0..choices.below(8) / 6 {
            packages.push(match choices.below(2) {
                0 => make(&craft, &to, n, author, &crowd()[6], &one),
                _ => make(&craft.clone().with_previous(&[0xdd; 32]), &to, n, author, author, &one),
            });
        }
        packages.push(make(&craft, &to, n, author, author, &one));
        known.push(one);
    }
    Story { packages, known }
}

fn told(model: &Model) -> (Epochs, Option<[u8; 32]>) {
    (model.held.keys().copied().collect(), model.head.map(|head| head.1))
}

/// Random stories of forks, gaps, copies, lies and what a keyring has, of which some has no secret. `PROPTEST_CASES` for more.
#[test]
fn model_random() {
    let me = me();
    let rounds: u64 = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let mut bad = Vec::new();
    let mut moved = 0;
    for round in 0..rounds {
        let with_granted = round % 2 == 1;
        let mut choices = Choices(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let Story { packages, known } = story(&mut choices, &me, round);
        let mut given: Vec<Package> = packages.iter().filter(|_| choices.below(5) > 0).cloned().collect();
        given.sort_by(|one, other| (one.key().0, &one.bytes).cmp(&(other.key().0, &other.bytes)));
        given.dedup_by(|one, other| one.bytes == other.bytes);
        let mut model = Model { me: id(&me), ..Model::default() };
        let mut entries = Vec::new();
        if choices.below(3) > 0 {
            for one in &known {
                let there = has(&one.body, &id(&me));
                if choices.below(3) == 0 && (there || choices.below(4) == 0) {
                    let secret = !with_granted || choices.below(3) > 0;
                    let mut entry = kept(one);
                    if !secret {
                        let at = entry.1.len() - 33;
                        entry.1[at] = 2;
                        entry.1[at + 1..].copy_from_slice(&one.message_key());
                    }
                    entries.push(entry);
                    let key = (one.body.epoch, one.transcript());
                    model.held.insert(key, Held::of(one, secret, true));
                }
            }
        }
        let heads: Vec<Key> = model
            .held
            .iter()
            .filter(|(_, held)| held.secret && has(&held.known.body, &id(&me)))
            .map(|(key, _)| *key)
            .collect();
        if heads.is_empty() {
            entries.clear();
            model.held.clear();
        } else {
            let head = heads[choices.below(heads.len())];
            let named = choices.below(3) > 0;
            let head = if named { head } else { *heads.last().unwrap() };
            if named {
                entries.push(register(1, &known[0].body.room_id(), 1, 5, &head.1));
            }
            model.set_head(head);
            model.go_on();
        }
        entries.sort();
        entries.dedup();
        let before = model.held.len();
        let is_kept = model.head.is_some();
        if is_kept {
            model.kept(&given)
        } else {
            model.recover(&given)
        }
        moved += usize::from(model.held.len() > before + 2);
        let mut segments: Vec<Vec<u8>> = [1, 2, 3, 6, 7].map(|n: usize| knows(&crowd()[n].public)).to_vec();
        if is_kept {
            segments.push(by_hand(5, 1, &entries));
        }
        let bytes: Vec<Vec<u8>> = given.iter().map(|one| one.bytes.clone()).collect();
        let account = recover(&segments, &bytes, false).finish().unwrap();
        let real = account.rooms.first();
        let found = real.map(|room| (epochs(room), Some(*room.transcript().as_bytes()))).unwrap_or_default();
        let expected = told(&model);
        let behind = match real.map(Room::standing) {
            Some(Standing::Behind { epoch }) => epoch.number(),
            _ => 0,
        };
        if found != expected || (is_kept && behind != model.behind) {
            let short = |epochs: &(Epochs, Option<[u8; 32]>)| {
                let list: Vec<String> = epochs.0.iter().map(|(n, t)| format!("{n}:{:02x}{:02x}", t[0], t[1])).collect();
                format!("{} head {:02x?}", list.join(" "), epochs.1.map(|head| [head[0], head[1]]))
            };
            println!(
                "round {round} kept {is_kept}\n library {} behind {behind}\n model   {} behind {}",
                short(&found),
                short(&expected),
                model.behind
            );
            bad.push(round);
        }
    }
    println!("{moved} moved");
    assert!(bad.is_empty(), "{} of {rounds}: {bad:?}", bad.len());
}
