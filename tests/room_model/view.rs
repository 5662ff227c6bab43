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
        match self.behind > ledger.epochs[self.head].number {
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

    /// As far as the device can know: where the parent is held, be it by a grant. SPEC §18.9
    fn yielding(&self, ledger: &Ledger, epoch: usize) -> bool {
        ledger.epochs[epoch].parent.is_some_and(|parent| self.held.contains_key(&parent)) && ledger.yielding(epoch)
    }

    /// From an epoch up, as far as epochs are held.
    pub(crate) fn path_up<'l>(&'l self, ledger: &'l Ledger, epoch: usize) -> impl Iterator<Item = usize> + 'l {
        let up = |epoch: &usize| ledger.epochs[*epoch].parent.filter(|parent| self.held.contains_key(parent));
        std::iter::successors(Some(epoch).filter(|epoch| self.held.contains_key(epoch)), up)
    }

    /// SPEC §18.3, for an honest package. `keys`: whose private keys the device has.
    pub(crate) fn apply(&mut self, ledger: &Ledger, package: usize, keys: &[Who]) -> Result<Applied, Error> {
        let epoch = &ledger.epochs[package];
        if self.held.contains_key(&package) {
            return Ok(Applied::Held);
        }
        let by_parent = epoch.symmetric && epoch.parent.is_some_and(|parent| self.has_secret(parent));
        if !by_parent && !keys.iter().any(|key| epoch.wrapped.contains(key)) {
            return Err(Error::Decrypt);
        }
        let author = epoch.author.fingerprint();
        let Some(parent) = epoch.parent.filter(|parent| self.held.contains_key(parent)) else {
            // [ROOM-08] [ROOM-24]
            if epoch.number <= ledger.epochs[self.head].number || !ledger.is_admin(self.head, epoch.author) {
                return refused("ROOM-08");
            }
            self.behind = self.behind.max(epoch.number);
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
            (self.head, self.me) = (package, me);
            return Ok(Applied::Head { author });
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
    }

    fn set_head(&mut self, ledger: &Ledger, head: usize) {
        let path: BTreeSet<usize> = self.path_up(ledger, head).collect();
        let first = path.iter().map(|epoch| ledger.epochs[*epoch].number).min().unwrap();
        for (epoch, holding) in &mut self.held {
            holding.own = path.contains(epoch) || (holding.own && ledger.epochs[*epoch].number < first);
        }
        self.head = head;
    }

    /// From an epoch to its best child, and so on. [ROOM-20]
    fn tip(&self, ledger: &Ledger, from: usize) -> usize {
        let children = |of| ledger.best_child(of, self.held.keys().map(|epoch| (epoch, self.yielding(ledger, *epoch))));
        std::iter::successors(Some(from), |epoch| children(*epoch)).last().unwrap()
    }

    pub(crate) fn settle(&self, ledger: &Ledger) -> usize {
        self.tip(ledger, self.path_up(ledger, self.head).last().unwrap())
    }

    pub(crate) fn switch_to(&mut self, ledger: &Ledger, epoch: usize) -> bool {
        let held = self.held.contains_key(&epoch);
        let tip = if held { self.tip(ledger, epoch) } else { return false };
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
        let first = joined.held.keys().map(number).min().unwrap();
        for (epoch, holding) in &mut self.held {
            holding.own &= number(epoch) < first;
        }
        self.held.extend(joined.held);
        (self.head, self.confirmed, self.behind) = (joined.head, true, 0);
        self.becomes(joined.me);
        Ok(())
    }

    /// A room that is put together from these packages. SPEC §18.7
    pub(crate) fn recover(ledger: &Ledger, given: &[usize], keys: &[Who]) -> Option<Self> {
        let mut order = given.to_vec();
        order.sort_by_key(|epoch| ledger.epochs[*epoch].number);
        let (mut view, mut firsts) = (None::<Self>, Vec::new());
        for package in order {
            let answer = view.as_mut().map(|view| view.apply(ledger, package, keys));
            if matches!(answer, None | Some(Ok(Applied::Ahead { .. }) | Err(Error::Room { check: "ROOM-08" })))
                && Self::begin(&mut view, ledger, package, keys)
            {
                firsts.push(package);
            }
        }
        let mut view = view?;
        for mut later in firsts {
            while let Some(parent) = ledger.epochs[later].parent.filter(|parent| !view.held.contains_key(parent)) {
                if !ledger.epochs[later].carries_previous || !given.contains(&parent) {
                    break;
                }
                view.held.insert(parent, OWN);
                later = parent;
            }
        }
        (view.confirmed, view.behind) = (false, 0);
        Some(view)
    }

    fn begin(view: &mut Option<Self>, ledger: &Ledger, package: usize, keys: &[Who]) -> bool {
        let Epoch { wrapped, author, symmetric, carries_previous, number, .. } = &ledger.epochs[package];
        let Some(me) = keys.iter().find(|key| wrapped.contains(key)) else { return false };
        if !ledger.is_admin(package, *author) && (*symmetric || !carries_previous) {
            return false;
        }
        match view {
            None => *view = Some(Self::new(*me, package, BTreeMap::from([(package, OWN)]), false)),
            Some(view) => {
                if *number <= ledger.epochs[view.head].number || !ledger.is_admin(view.head, *author) {
                    return false;
                }
                view.held.insert(package, OWN);
                view.head = package;
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
            let own = self.held.get(epoch).is_none_or(|holding| holding.own);
            if !self.has_secret(*epoch) {
                self.held.insert(*epoch, Holding { own, secret: false });
                taken += 1;
            }
        }
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
