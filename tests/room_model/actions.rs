//! What may happen, as data that shrinks: numbers are taken modulo what there is when an action is done.

use crate::forge;
use crate::ledger::Plan;
use crate::people::{PEOPLE, Who};
use crate::world::{DEVICES, World};
use proptest::prelude::*;
use proptest::strategy::Union;
use sealroom::*;
use std::collections::BTreeSet;

/// A change of the roster.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Add {
        admin: bool,
        two: bool,
    },
    Remove,
    Promote,
    Demote,
    Refresh,
    Replace {
        by_admin: bool,
    },
    /// A refresh that is wrapped to all but one.
    LeaveOut,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A device makes a package, which the server gives to the devices of a mask, and keeps.
    Change {
        by: u8,
        kind: Kind,
        who: u8,
        mask: u16,
    },
    /// Two devices make packages on what each holds as the head; the server gives each to the devices of its mask.
    Fork {
        by: [u8; 2],
        kinds: [Kind; 2],
        who: [u8; 2],
        masks: [u16; 2],
    },
    /// Somebody says to leave; an admin's device looks at it, or at an older statement, and removes them.
    Leave {
        who: u8,
        by: u8,
        which: u8,
        mask: u16,
    },
    /// A member makes what no honest writer makes.
    Forge {
        by: u8,
        fault: u8,
        who: u8,
        to: u8,
    },
    Impersonate {
        which: u8,
        how: u8,
        to: u8,
    },
    /// The server gives any package, or all of them, to a device.
    Deliver {
        to: u8,
        which: u8,
    },
    DeliverAll {
        to: u8,
    },
    CatchUp {
        to: u8,
        given: Vec<u8>,
        all: bool,
    },
    /// Everybody gets everything, and settles.
    Meet,
    Join {
        to: u8,
        which: u8,
    },
    Recover {
        to: u8,
        given: Vec<u8>,
        all: bool,
    },
    Confirm {
        who: u8,
        by: u8,
    },
    AcceptHead {
        who: u8,
    },
    Settle {
        who: u8,
    },
    SwitchTo {
        who: u8,
        which: u8,
    },
    /// A member gives epochs before its head, and the server mostly gives that to whom it is for.
    Grant {
        by: u8,
        to: u8,
        last: u8,
        more: u8,
        given: bool,
    },
    DeliverGrant {
        to: u8,
        which: u8,
    },
    Seal {
        by: u8,
        len: u16,
        padded: bool,
        aad: bool,
    },
    Open {
        by: u8,
        which: u8,
    },
    Save {
        who: u8,
    },
    Restore {
        who: u8,
        which: u8,
    },
    /// Things are given where others belong.
    Misplace {
        to: u8,
        which: u8,
        flip: u16,
    },
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        5 => (any::<bool>(), any::<bool>()).prop_map(|(admin, two)| Kind::Add { admin, two }),
        4 => Just(Kind::Remove),
        2 => Just(Kind::Promote),
        2 => Just(Kind::Demote),
        4 => Just(Kind::Refresh),
        3 => any::<bool>().prop_map(|by_admin| Kind::Replace { by_admin }),
        2 => Just(Kind::LeaveOut),
    ]
}

/// Mostly everybody.
fn mask() -> impl Strategy<Value = u16> {
    prop_oneof![3 => Just(u16::MAX), 2 => any::<u16>(), 1 => Just(0)]
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    let any8 = any::<u8>;
    let two = || (any8(), any8());
    Union::new_weighted(vec![
        (
            30,
            (any8(), kind(), any8(), mask())
                .prop_map(|(by, kind, who, mask)| Action::Change { by, kind, who, mask })
                .boxed(),
        ),
        (
            6,
            (any::<[u8; 2]>(), [kind(), kind()], any::<[u8; 2]>(), [mask(), mask()])
                .prop_map(|(by, kinds, who, masks)| Action::Fork { by, kinds, who, masks })
                .boxed(),
        ),
        (
            2,
            (any8(), any8(), any8(), mask())
                .prop_map(|(who, by, which, mask)| Action::Leave { who, by, which, mask })
                .boxed(),
        ),
        (
            3,
            (any8(), any8(), any8(), any8())
                .prop_map(|(by, fault, who, to)| Action::Forge { by, fault, who, to })
                .boxed(),
        ),
        (3, (any8(), any8(), any8()).prop_map(|(which, how, to)| Action::Impersonate { which, how, to }).boxed()),
        (6, two().prop_map(|(to, which)| Action::Deliver { to, which }).boxed()),
        (4, any8().prop_map(|to| Action::DeliverAll { to }).boxed()),
        (
            4,
            (any8(), proptest::collection::vec(any8(), 1..12), any::<bool>())
                .prop_map(|(to, given, all)| Action::CatchUp { to, given, all })
                .boxed(),
        ),
        (3, Just(Action::Meet).boxed()),
        (4, two().prop_map(|(to, which)| Action::Join { to, which }).boxed()),
        (
            3,
            (any8(), proptest::collection::vec(any8(), 1..12), any::<bool>())
                .prop_map(|(to, given, all)| Action::Recover { to, given, all })
                .boxed(),
        ),
        (3, two().prop_map(|(who, by)| Action::Confirm { who, by }).boxed()),
        (1, any8().prop_map(|who| Action::AcceptHead { who }).boxed()),
        (3, any8().prop_map(|who| Action::Settle { who }).boxed()),
        (1, two().prop_map(|(who, which)| Action::SwitchTo { who, which }).boxed()),
        (
            6,
            (any8(), any8(), any8(), 0..4_u8, any::<bool>())
                .prop_map(|(by, to, last, more, given)| Action::Grant { by, to, last, more, given })
                .boxed(),
        ),
        (3, two().prop_map(|(to, which)| Action::DeliverGrant { to, which }).boxed()),
        (
            14,
            (any8(), 0..600_u16, any::<bool>(), any::<bool>())
                .prop_map(|(by, len, padded, aad)| Action::Seal { by, len, padded, aad })
                .boxed(),
        ),
        (6, two().prop_map(|(by, which)| Action::Open { by, which }).boxed()),
        (3, any8().prop_map(|who| Action::Save { who }).boxed()),
        (3, two().prop_map(|(who, which)| Action::Restore { who, which }).boxed()),
        (2, (any8(), any8(), any::<u16>()).prop_map(|(to, which, flip)| Action::Misplace { to, which, flip }).boxed()),
    ])
}

/// One of `many`, or `None` of none.
pub(crate) fn of(many: usize, which: u8) -> Option<usize> {
    usize::from(which).checked_rem(many)
}

impl World {
    pub(crate) fn run(&mut self, action: &Action) {
        match *action {
            Action::Change { by, kind, who, mask } => {
                let by = self.pick(by);
                if let Some(package) = self.change(by, kind, who) {
                    self.spread(package, mask);
                }
            }
            Action::Fork { by, kinds, who, masks } => {
                let made = [0, 1].map(|i| self.change(self.pick(by[i]), kinds[i], who[i]));
                for (package, mask) in made.into_iter().zip(masks) {
                    package.into_iter().for_each(|package| self.spread(package, mask));
                }
            }
            Action::Leave { who, by, which, mask } => self.leave(self.pick(who), self.pick(by), which, mask),
            Action::Forge { by, fault, who, to } => forge::offer(self, self.pick(by), fault, who, self.pick(to)),
            Action::Impersonate { which, how, to } => {
                if let Some(message) = of(self.messages.len(), which) {
                    forge::impersonate(self, message, how, self.pick(to));
                }
            }
            Action::Deliver { to, which } => {
                let package = of(self.packages.len(), which).unwrap();
                self.deliver(usize::from(to) % DEVICES, package);
            }
            Action::DeliverAll { to } => {
                let to = self.pick(to);
                (0..self.packages.len()).for_each(|package| self.deliver(to, package));
            }
            Action::CatchUp { to, ref given, all } => {
                let given = self.some_packages(given, all);
                self.catch_up(self.pick(to), &given);
            }
            Action::Meet => {
                let all: Vec<usize> = (0..self.packages.len()).collect();
                for device in self.there() {
                    self.catch_up(device, &all);
                    self.settle(device);
                }
            }
            Action::Join { to, which } => {
                let package = of(self.packages.len(), which).unwrap();
                self.join(usize::from(to) % DEVICES, package);
            }
            Action::Recover { to, ref given, all } => {
                let given = self.some_packages(given, all);
                self.recover(usize::from(to) % DEVICES, &given);
            }
            Action::Confirm { who, by } => self.confirm(self.pick(who), self.pick(by)),
            Action::AcceptHead { who } => {
                let who = self.pick(who);
                let real = |room: &mut Room, _: &mut _| {
                    room.accept_head();
                    Ok(())
                };
                self.act(who, real, |view, _| {
                    (view.confirmed, view.behind) = (true, 0);
                    Ok(())
                });
            }
            Action::Settle { who } => self.settle(self.pick(who)),
            Action::SwitchTo { who, which } => {
                let epoch = of(self.packages.len(), which).unwrap();
                self.switch_to(self.pick(who), epoch);
            }
            Action::Grant { by, to, last, more, given } => {
                let by = self.pick(by);
                let head = self.ledger.epochs[self.view(by).head].number;
                // Mostly what comes right before what somebody holds, and to them.
                let earliest = |device: &usize| {
                    let (view, ledger) = (self.view(*device), &self.ledger);
                    let first = ledger.epochs[view.path_up(ledger, view.head).last().unwrap()].number;
                    (*device, first.checked_sub(1))
                };
                let lacking: Vec<_> = self.there().iter().map(earliest).filter(|(_, last)| last.is_some()).collect();
                let (to, last) = match of(lacking.len(), to).filter(|_| given).map(|place| lacking[place]) {
                    Some((device, Some(last))) => (self.view(device).me, last),
                    _ => (self.one_of_roster(by, to).0, u64::from(last) % (head + 1)),
                };
                self.grant(by, to, last.saturating_sub(more.into()), last);
                for device in self.there() {
                    if let Some(grant) = self.grants.len().checked_sub(1).filter(|_| given)
                        && self.devices[device].person == to.person
                    {
                        self.accept_grant(device, grant);
                    }
                }
            }
            Action::DeliverGrant { to, which } => {
                if let Some(grant) = of(self.grants.len(), which) {
                    self.accept_grant(self.pick(to), grant);
                }
            }
            Action::Seal { by, len, padded, aad } => {
                let padding = if padded { Padding::Padme } else { Padding::None };
                let by = self.pick(by);
                // Before it, or not: what was stored may come back.
                if len % 3 == 0 {
                    self.save(by);
                }
                self.seal(by, len.into(), padding, if aad { b"bound" } else { b"" });
            }
            Action::Open { by, which } => {
                if let Some(message) = of(self.messages.len(), which) {
                    self.open(self.pick(by), message);
                }
            }
            Action::Save { who } => self.save(self.pick(who)),
            Action::Restore { who, which } => self.restore(who, which),
            Action::Misplace { to, which, flip } => forge::misplace(self, self.pick(to), which, flip),
        }
    }

    /// Some of the server's packages, in any order and more than once, or all and some twice.
    fn some_packages(&self, which: &[u8], all: bool) -> Vec<usize> {
        let many = self.packages.len();
        let some = which.iter().filter_map(|which| of(many, *which));
        if all { some.chain(0..many).collect() } else { some.collect() }
    }

    /// Somebody of the roster of a device's head.
    pub(crate) fn one_of_roster(&self, device: usize, which: u8) -> (Who, bool) {
        let roster = &self.ledger.epochs[self.view(device).head].roster;
        *roster.iter().nth(usize::from(which) % roster.len()).unwrap()
    }

    /// Plans a change, and makes it if it may be made.
    fn change(&mut self, by: usize, kind: Kind, who: u8) -> Option<usize> {
        let (room, view) = (self.room(by), self.view(by));
        let mut roster = self.ledger.epochs[view.head].roster.clone();
        let (there, is_admin) = self.one_of_roster(by, who);
        let plan =
            |roster: &BTreeSet<_>| Plan { author: view.me, roster: roster.clone(), replaced: None, left_out: None };
        let fingerprint = there.fingerprint();
        let (plan, change) = match kind {
            Kind::Add { admin, two } => {
                let newcomers: Vec<(Who, bool)> = (0..PEOPLE)
                    .map(|more| who.wrapping_add(more) % PEOPLE)
                    .filter(|person| self.ledger.member(view.head, *person).is_none())
                    .map(|person| (Who { person, generation: self.generations[usize::from(person)] - 1 }, admin))
                    .take(1 + usize::from(two))
                    .collect();
                if newcomers.is_empty() {
                    assert!(room.add(&[]).is_err() && room.add(&[(there.public(), Role::Member)]).is_err());
                    return None;
                }
                let role = if admin { Role::Admin } else { Role::Member };
                let given: Vec<_> = newcomers.iter().map(|(who, _)| (who.public(), role)).collect();
                roster.extend(newcomers);
                (plan(&roster), room.add(&given))
            }
            Kind::Remove => {
                roster.retain(|(member, _)| *member != there);
                (plan(&roster), room.remove(&[fingerprint]))
            }
            Kind::Promote | Kind::Demote => {
                let admin = matches!(kind, Kind::Promote);
                let change = if admin { room.promote(&fingerprint) } else { room.demote(&fingerprint) };
                if admin == is_admin {
                    assert!(change.is_err());
                    return None;
                }
                roster.remove(&(there, is_admin));
                roster.insert((there, admin));
                (plan(&roster), change)
            }
            Kind::Refresh => (plan(&roster), room.refresh()),
            Kind::LeaveOut if there == view.me => return None,
            Kind::LeaveOut => (Plan { left_out: Some(there), ..plan(&roster) }, room.refresh()),
            Kind::Replace { by_admin } => {
                let (old, admin) = if by_admin {
                    (there, is_admin)
                } else {
                    *roster.iter().find(|(member, _)| *member == view.me).unwrap()
                };
                let new = old.next()?;
                roster.remove(&(old, admin));
                roster.insert((new, admin));
                let author = if old == view.me { new } else { view.me };
                (Plan { author, replaced: Some((old, new)), ..plan(&roster) }, room.replace(old.transition().unwrap()))
            }
        };
        self.publish(by, plan, change)
    }
}
