//! What one device should hold, and how it should answer, as plain data. Written after SPEC §18.3 to §18.9.

use crate::ledger::{Epoch, Ledger};
use crate::people::Who;
use sealroom::*;
use std::collections::{BTreeMap, BTreeSet};

/// How an epoch is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    /// On the reader's branch, and not as evidence.
    pub(crate) own: bool,
    /// With its secret, and not by a grant.
    secret: bool,
}

const OWN: Holding = Holding { own: true, secret: true };

#[derive(Clone, Debug)]
pub(crate) struct View {
    /// This member's identities, in the order in which they came.
    mine: Vec<Who>,
    /// The one that is in the head's roster.
    pub(crate) me: Who,
    pub(crate) head: usize,
    pub(crate) held: BTreeMap<usize, Holding>,
    pub(crate) confirmed: bool,
    pub(crate) behind: u64,
    pub(crate) next_sequence: u64,
    /// By sender and device: which messages had which number.
    pub(crate) seen: BTreeMap<(Who, DeviceId), BTreeMap<u64, usize>>,
}

pub(crate) fn refused<T>(check: &'static str) -> Result<T, Error> {
    Err(Error::Room { check })
}

impl View {
    fn new(me: Who, head: usize, held: BTreeMap<usize, Holding>, confirmed: bool) -> Self {
        Self { mine: vec![me], me, head, held, confirmed, behind: 0, next_sequence: 0, seen: BTreeMap::new() }
    }

    fn becomes(&mut self, me: Who) {
        self.mine.retain(|mine| *mine != me);
        self.mine.push(me);
        self.me = me;
    }

    pub(crate) fn standing(&self, ledger: &Ledger) -> Standing {
        match self.behind > self.unyielding(ledger) {
            true => Standing::Behind { epoch: sealroom::Epoch::new(self.behind) },
            false if self.confirmed => Standing::Confirmed,
            false => Standing::Unconfirmed,
        }
    }

    pub(crate) fn may_write(&self, ledger: &Ledger) -> bool {
        self.standing(ledger) == Standing::Confirmed
    }

    pub(crate) fn has_secret(&self, epoch: usize) -> bool {
        self.held.get(&epoch).is_some_and(|holding| holding.secret)
    }

    /// As far as the device can know: where the parent is held, be it by a grant. SPEC §18.5
    fn yielding(&self, ledger: &Ledger, epoch: usize) -> bool {
        ledger.epochs[epoch].parent.is_some_and(|parent| self.held.contains_key(&parent)) && ledger.yielding(epoch)
    }

    /// The number of the latest epoch of the own branch that does not yield.
    fn unyielding(&self, ledger: &Ledger) -> u64 {
        let mut path = self.path_up(ledger, self.head);
        ledger.epochs[path.find(|epoch| !self.yielding(ledger, *epoch)).unwrap()].number
    }

    /// Whether it is held, and not only read. SPEC §18.5
    fn counts(&self, epoch: usize) -> bool {
        self.held.get(&epoch).is_some_and(|holding| holding.own || holding.secret)
    }

    /// From an epoch up, as far as epochs are held.
    pub(crate) fn path_up<'l>(&'l self, ledger: &'l Ledger, epoch: usize) -> impl Iterator<Item = usize> + 'l {
        let up = |epoch: &usize| ledger.epochs[*epoch].parent.filter(|parent| self.held.contains_key(parent));
        std::iter::successors(Some(epoch).filter(|epoch| self.held.contains_key(epoch)), up)
    }

    /// SPEC §18.3. `keys`: whose private keys the device has.
    pub(crate) fn apply(&mut self, ledger: &Ledger, package: usize, keys: &[Who]) -> Result<Applied, Error> {
        if self.opens(ledger, package, keys) { self.apply_opened(ledger, package) } else { Err(Error::Decrypt) }
    }

    /// By a secret that is held, or a private key.
    fn opens(&self, ledger: &Ledger, package: usize, keys: &[Who]) -> bool {
        let epoch = &ledger.epochs[package];
        let by_parent = epoch.symmetric && epoch.parent.is_some_and(|parent| self.has_secret(parent));
        self.has_secret(package) || by_parent || keys.iter().any(|key| epoch.wrapped.contains(key))
    }

    fn has_parent_of(&self, ledger: &Ledger, package: usize) -> bool {
        ledger.epochs[package].parent.is_some_and(|parent| self.counts(parent))
    }

    fn apply_opened(&mut self, ledger: &Ledger, package: usize) -> Result<Applied, Error> {
        let epoch = &ledger.epochs[package];
        let author = epoch.author.fingerprint();
        let counts = self.counts(package);
        if let Some(holding) = self.held.get_mut(&package).filter(|_| counts) {
            // What came by a grant is completed by its package.
            let had_secret = std::mem::replace(&mut holding.secret, true);
            return Ok(if had_secret { Applied::Held } else { Applied::Past { author } });
        }
        let Some(parent) = epoch.parent.filter(|parent| self.counts(*parent)) else {
            // [ROOM-08] [ROOM-24]
            let latest = self.unyielding(ledger);
            if epoch.number <= latest || !ledger.is_admin(self.head, epoch.author) {
                return refused("ROOM-08");
            }
            let is_admins = ledger.is_admin(package, epoch.author);
            self.behind = self.behind.max(if is_admins { epoch.number } else { latest + 1 });
            return Ok(Applied::Ahead { author, epoch: sealroom::Epoch::new(epoch.number) });
        };
        // Of a granted parent there is no secret to compare with.
        if !self.has_secret(parent) && epoch.symmetric {
            return refused("ROOM-10");
        }
        if !self.has_secret(parent) && epoch.carries_previous {
            return refused("ROOM-13");
        }
        let new = epoch.replaced.filter(|(old, new)| self.mine.contains(old) && !self.mine.contains(new));
        let new = new.map(|(_, new)| new);
        let mut mine = self.mine.iter().copied().chain(new).collect::<Vec<_>>().into_iter().rev();
        let Some(me) = mine.find(|mine| ledger.has(package, *mine)) else { return refused("ROOM-15") };
        self.mine.extend(new);
        let holding = Holding { own: false, secret: true };
        if parent == self.head {
            self.held.insert(package, Holding { own: true, ..holding });
            self.me = me;
            self.come_to(ledger, package);
            return Ok(Applied::Head { author });
        }
        if self.held.iter().any(|(epoch, holding)| holding.own && ledger.epochs[*epoch].parent == Some(package)) {
            self.held.insert(package, Holding { own: true, ..holding });
            self.set_head(ledger, self.head);
            return Ok(Applied::Past { author });
        }
        let gives_way = self.gives_way(ledger, package, parent);
        self.held.insert(package, holding);
        if gives_way {
            self.set_head(ledger, package);
            self.me = me;
            return Ok(Applied::Switched { author });
        }
        Ok(Applied::Fork { author, kept: true })
    }

    /// [ROOM-19]
    fn gives_way(&self, ledger: &Ledger, package: usize, parent: usize) -> bool {
        let own: Vec<usize> = self.path_up(ledger, self.head).collect();
        let Some(common) = self.path_up(ledger, parent).find(|epoch| own.contains(epoch)) else { return false };
        let yield_down_from = |epoch| {
            self.path_up(ledger, epoch).take_while(|epoch| *epoch != common).all(|epoch| self.yielding(ledger, epoch))
        };
        !ledger.yielding(package)
            && !ledger.epochs[package].symmetric
            && yield_down_from(self.head)
            && yield_down_from(parent)
            && self.path_up(ledger, parent).take_while(|epoch| *epoch != common).all(|epoch| ledger.is_by_member(epoch))
    }

    /// [ROOM-24]
    fn come_to(&mut self, ledger: &Ledger, head: usize) {
        self.head = head;
        if self.behind <= self.unyielding(ledger) {
            self.behind = 0;
        }
    }

    /// What leads to the head, over what is missing to what was the own branch before, is the own branch.
    fn set_head(&mut self, ledger: &Ledger, head: usize) {
        let mut path = BTreeSet::new();
        let mut top = Some(head);
        while let Some(from) = top {
            path.extend(self.path_up(ledger, from));
            let number = |epoch: &usize| ledger.epochs[*epoch].number;
            let first = path.iter().map(number).min().unwrap();
            let is_own = |holding: &Holding| holding.own && holding.secret;
            let before = self.held.iter().filter(|(epoch, holding)| is_own(holding) && number(epoch) + 1 < first);
            top = before.map(|(epoch, _)| *epoch).max_by_key(number);
        }
        for (epoch, holding) in &mut self.held {
            holding.own = path.contains(epoch);
        }
        self.come_to(ledger, head);
    }

    /// From an epoch to its best child, and so on. [ROOM-20]
    fn tip(&self, ledger: &Ledger, from: usize) -> usize {
        let counts = || self.held.keys().filter(|epoch| self.counts(**epoch));
        let children = |of| ledger.best_child(of, counts().map(|epoch| (epoch, self.yielding(ledger, *epoch))));
        std::iter::successors(Some(from), |epoch| children(*epoch)).last().unwrap()
    }

    pub(crate) fn settle(&self, ledger: &Ledger) -> usize {
        self.tip(ledger, self.path_up(ledger, self.head).last().unwrap())
    }

    pub(crate) fn switch_to(&mut self, ledger: &Ledger, epoch: usize) -> bool {
        let tip = if self.counts(epoch) { self.tip(ledger, epoch) } else { return false };
        let Some(me) = self.mine.iter().rev().find(|mine| ledger.has(tip, **mine)) else { return false };
        if !self.has_secret(tip) {
            return false;
        }
        self.me = *me;
        self.set_head(ledger, tip);
        true
    }

    /// A room that is joined by a package, with all packages before it under shared history. SPEC §18.4
    pub(crate) fn join(ledger: &Ledger, package: usize, keys: &[Who]) -> Result<Self, Error> {
        let epoch = &ledger.epochs[package];
        let me = *keys.iter().find(|key| epoch.wrapped.contains(key)).ok_or(Error::Decrypt)?;
        if !ledger.is_admin(package, epoch.author) {
            return refused("ROOM-15");
        }
        if epoch.number > 0 && (epoch.carries_previous != ledger.shared || epoch.replaced.is_some()) {
            return refused("ROOM-12");
        }
        let mut held = BTreeMap::from([(package, OWN)]);
        if ledger.shared {
            let path = ledger.path(package).into_iter();
            held = path.map(|epoch| (epoch, OWN)).collect();
        }
        Ok(Self::new(me, package, held, true))
    }

    /// Takes in a room that was joined again. [ROOM-17]
    pub(crate) fn rejoin(&mut self, ledger: &Ledger, joined: Self) -> Result<(), Error> {
        let number = |epoch: &usize| ledger.epochs[*epoch].number;
        if number(&joined.head) <= self.held.keys().map(number).max().unwrap() {
            return refused("ROOM-17");
        }
        self.held.extend(joined.held);
        self.set_head(ledger, joined.head);
        (self.confirmed, self.behind) = (true, 0);
        self.becomes(joined.me);
        Ok(())
    }

    /// What is said of packages that are given together. SPEC §18.3
    pub(crate) fn catch_up(&mut self, ledger: &Ledger, given: &[usize], keys: &[Who]) -> Vec<Result<Applied, Error>> {
        let mut batch = Batch::new(given);
        batch.open_backwards(ledger, keys, |package| self.has_secret(package));
        let mut before = None;
        while before != Some((self.held.len(), batch.opened.clone())) {
            before = Some((self.held.len(), batch.opened.clone()));
            for at in batch.failed(ledger) {
                batch.open(at, ledger, |package| self.opens(ledger, package, keys));
                if batch.opened[at] {
                    batch.answers[at] = batch.apply(at, self, ledger);
                }
            }
        }
        batch.finish(self)
    }

    /// A room that is put together from these packages, and what is said of them. SPEC §18.7
    pub(crate) fn recover(ledger: &Ledger, given: &[usize], keys: &[Who]) -> Option<(Self, Vec<bool>)> {
        let mut batch = Batch::new(given);
        let mut found = None::<Self>;
        batch.open_backwards(ledger, keys, |_| false);
        loop {
            let held = |found: &Option<Self>| found.as_ref().map_or(0, |view| view.held.len());
            let before = (held(&found), batch.opened.clone());
            for at in batch.failed(ledger) {
                batch.open(at, ledger, |package| match &found {
                    Some(view) => view.opens(ledger, package, keys),
                    None => keys.iter().any(|key| ledger.epochs[package].wrapped.contains(key)),
                });
                if batch.opened[at] {
                    batch.answers[at] = batch.recover_one(at, &mut found, ledger, keys);
                }
            }
            if (held(&found), batch.opened.clone()) == before {
                break;
            }
        }
        let view = found?;
        let used = batch.finish(&view).iter().map(Result::is_ok).collect();
        Some((view, used))
    }

    fn begin(view: &mut Option<Self>, ledger: &Ledger, package: usize, keys: &[Who]) -> bool {
        let Epoch { author, symmetric, carries_previous, number, replaced, .. } = &ledger.epochs[package];
        let Some(me) = keys.iter().find(|key| ledger.has(package, **key)) else { return false };
        if !ledger.is_admin(package, *author) && (*symmetric || !carries_previous) {
            return false;
        }
        match view {
            None => *view = Some(Self::new(*me, package, BTreeMap::from([(package, OWN)]), false)),
            Some(view) => {
                let successor = replaced.is_some_and(|(old, new)| new == *author && ledger.is_admin(view.head, old));
                let by_admin = successor || ledger.is_admin(view.head, *author);
                let takes_over = !*symmetric && *number > view.unyielding(ledger);
                if !(takes_over || *number > ledger.epochs[view.head].number) || !by_admin {
                    return false;
                }
                view.held.insert(package, OWN);
                view.set_head(ledger, package);
                view.becomes(*me);
            }
        }
        true
    }

    /// Whether a statement that `member` made at `epoch` lets an admin remove them. [ROOM-21]
    pub(crate) fn leaves(&self, ledger: &Ledger, epoch: usize, member: Who) -> bool {
        self.path_up(ledger, self.head).take_while(|epoch| ledger.has(*epoch, member)).any(|held| held == epoch)
    }

    /// The epochs of these numbers on the reader's branch, if they can be granted. SPEC §18.8
    pub(crate) fn grantable(&self, ledger: &Ledger, first: u64, last: u64) -> Option<Vec<usize>> {
        let own = self.held.iter().filter(|(_, holding)| holding.own).map(|(epoch, _)| *epoch);
        let mut found: Vec<usize> =
            own.filter(|epoch| (first..=last).contains(&ledger.epochs[*epoch].number)).collect();
        found.sort_by_key(|epoch| ledger.epochs[*epoch].number);
        let whole = (first..=last).eq(found.iter().map(|epoch| ledger.epochs[*epoch].number))
            && found.windows(2).all(|two| ledger.epochs[two[1]].parent == Some(two[0]));
        whole.then_some(found)
    }

    /// [ROOM-25]
    pub(crate) fn accept_grant(&mut self, ledger: &Ledger, grant: usize, keys: &[Who]) -> Result<usize, Error> {
        let grant = &ledger.grants[grant];
        // The granter keeps a copy.
        if !keys.contains(&grant.to) && !keys.contains(&grant.by) {
            return Err(Error::Decrypt);
        }
        let last = grant.epochs.last().copied();
        let leads_here = self.held.iter().any(|(epoch, holding)| holding.own && ledger.epochs[*epoch].parent == last);
        if !ledger.has(self.head, grant.by) || !leads_here {
            return refused("ROOM-25");
        }
        let mut taken = 0;
        for epoch in &grant.epochs {
            self.held.entry(*epoch).or_insert_with(|| {
                taken += 1;
                Holding { own: true, secret: false }
            });
        }
        self.set_head(ledger, self.head);
        Ok(taken)
    }

    /// What is said of a message that opens. [RMSG-07]
    pub(crate) fn observe(&mut self, ledger: &Ledger, message: usize) -> Freshness {
        let sealed = &ledger.messages[message];
        let seen = self.seen.entry((sealed.sender, sealed.device)).or_default();
        match seen.get(&sealed.sequence) {
            Some(known) if *known == message => Freshness::Duplicate,
            Some(_) => Freshness::SequenceReused,
            None => {
                let greatest = seen.last_key_value().map(|(greatest, _)| *greatest);
                let skipped = greatest.map_or(0, |greatest| sealed.sequence.saturating_sub(greatest + 1));
                seen.insert(sealed.sequence, message);
                Freshness::Fresh { skipped }
            }
        }
    }
}

/// The places of what is given, by the numbers of the epochs.
fn in_order(ledger: &Ledger, given: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..given.len()).collect();
    order.sort_by_key(|at| ledger.epochs[given[*at]].number);
    order
}

/// Packages that are given together.
struct Batch<'g> {
    given: &'g [usize],
    opened: Vec<bool>,
    answers: Vec<Result<Applied, Error>>,
}

impl<'g> Batch<'g> {
    fn new(given: &'g [usize]) -> Self {
        Self { given, opened: vec![false; given.len()], answers: vec![Err(Error::Decrypt); given.len()] }
    }

    /// By what is held, by private keys, and by what later ones tell.
    fn open_backwards(&mut self, ledger: &Ledger, keys: &[Who], held: impl Fn(usize) -> bool) {
        for at in in_order(ledger, self.given).into_iter().rev() {
            let epoch = &ledger.epochs[self.given[at]];
            let wrapped = !epoch.symmetric && keys.iter().any(|key| epoch.wrapped.contains(key));
            self.opened[at] |= wrapped || held(self.given[at]);
            if self.opened[at] {
                self.previous(ledger, &[at]);
            }
        }
    }

    /// One in its turn, and what it names.
    fn open(&mut self, at: usize, ledger: &Ledger, opens: impl Fn(usize) -> bool) {
        if !self.opened[at] && opens(self.given[at]) {
            self.opened[at] = true;
            self.previous(ledger, &[at]);
        }
    }

    /// The places of what was not taken yet, by the numbers of the epochs.
    fn failed(&self, ledger: &Ledger) -> Vec<usize> {
        let open = |at: &usize| matches!(self.answers[*at], Err(_) | Ok(Applied::Ahead { .. }));
        in_order(ledger, self.given).into_iter().filter(open).collect()
    }

    /// The places of a package's parent, if it was opened or the package opens it. The server may give one twice.
    fn previous(&mut self, ledger: &Ledger, later: &[usize]) -> Vec<usize> {
        let later = &ledger.epochs[self.given[later[0]]];
        let mut places: Vec<usize> = (0..self.given.len()).filter(|at| Some(self.given[*at]) == later.parent).collect();
        places.retain(|at| self.opened[*at] || later.carries_previous);
        places.iter().for_each(|at| self.opened[*at] = true);
        places
    }

    fn apply(&mut self, at: usize, view: &mut View, ledger: &Ledger) -> Result<Applied, Error> {
        let mut chain = Vec::new();
        let mut later = vec![at];
        while !view.has_parent_of(ledger, self.given[later[0]]) {
            later = self.previous(ledger, &later);
            if later.is_empty() {
                chain.clear();
                break;
            }
            chain.push(later.clone());
        }
        for copies in chain.into_iter().rev() {
            let taken = copies.into_iter().any(|earlier| {
                self.answers[earlier] = view.apply_opened(ledger, self.given[earlier]);
                self.answers[earlier].is_ok()
            });
            if !taken {
                break;
            }
        }
        view.apply_opened(ledger, self.given[at])
    }

    fn recover_one(
        &mut self,
        at: usize,
        found: &mut Option<View>,
        ledger: &Ledger,
        keys: &[Who],
    ) -> Result<Applied, Error> {
        if let Some(view) = found {
            let answer = self.apply(at, view, ledger);
            if answer == Ok(Applied::Held) || view.has_parent_of(ledger, self.given[at]) {
                if !view.has_parent_of(ledger, self.given[at]) {
                    self.take_past(at, view, ledger);
                }
                return answer;
            }
        }
        if !View::begin(found, ledger, self.given[at], keys) {
            return refused("ROOM-08");
        }
        self.take_past(at, found.as_mut().unwrap(), ledger);
        Ok(Applied::Held)
    }

    /// Back by the previous secrets. [ROOM-16]
    fn take_past(&mut self, first: usize, view: &mut View, ledger: &Ledger) {
        let mut later = vec![first];
        let mut any = false;
        while !view.has_parent_of(ledger, self.given[later[0]]) {
            later = self.previous(ledger, &later);
            let Some(found) = later.first() else { break };
            view.held.insert(self.given[*found], OWN);
            self.answers[*found] = Ok(Applied::Held);
            any = true;
        }
        if any {
            view.set_head(ledger, view.head);
        }
    }

    fn finish(self, view: &View) -> Vec<Result<Applied, Error>> {
        let answers = self.given.iter().zip(self.opened).zip(self.answers);
        let held = |package, opened| view.has_secret(package) || (opened && view.held.contains_key(&package));
        let answer = |((package, opened), answer): ((&usize, _), Result<Applied, Error>)| match answer {
            Err(_) if held(*package, opened) => Ok(Applied::Held),
            answer => answer,
        };
        answers.map(answer).collect()
    }
}
