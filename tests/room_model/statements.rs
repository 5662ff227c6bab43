//! What members say, and where they go: leaving, vouching for a head, settling. SPEC §18.5 to §18.7.

use crate::actions::of;
use crate::ledger::Plan;
use crate::people::{PEOPLE, Who, directory};
use crate::world::{World, attempt};
use sealroom::*;

impl World {
    pub(crate) fn leave(&mut self, leaver: usize, by: usize, which: u8, mask: u16) {
        let (room, view) = self.devices[leaver].held.as_ref().unwrap();
        let (me, head) = (view.me, view.head);
        let statement = room.leave(&me.sender(), &mut self.rng).unwrap();
        let statement = LeaveStatement::from_bytes(&statement.to_bytes()).unwrap();
        self.leaves.push((statement, head, me));
        let older = of(self.leaves.len(), which).unwrap();
        for (statement, epoch, member) in [self.leaves[older].clone(), self.leaves.last().unwrap().clone()] {
            let checked = self.room(by).check_leave(&statement, directory());
            if !self.view(by).leaves(&self.ledger, epoch, member) {
                assert_eq!(checked, Err(Error::Room { check: "ROOM-21" }));
                continue;
            }
            assert_eq!(checked, Ok(member.fingerprint()));
            let view = self.view(by);
            let mut roster = self.ledger.epochs[view.head].roster.clone();
            roster.retain(|(other, _)| *other != member);
            let (plan, change) = (
                Plan { author: view.me, roster, replaced: None, left_out: None },
                self.room(by).remove(&[member.fingerprint()]),
            );
            if let Some(package) = self.publish(by, plan, change) {
                return self.spread(package, mask);
            }
        }
    }

    pub(crate) fn confirm(&mut self, who: usize, by: usize) {
        let nonce = HeadStatement::nonce(&mut self.rng).unwrap();
        let (room, view) = self.devices[by].held.as_ref().unwrap();
        let statement = room.vouch(&nonce, &view.me.sender(), &mut self.rng);
        if !view.may_write(&self.ledger) {
            return assert_eq!(statement.err(), Some(Error::Unconfirmed));
        }
        let statement = HeadStatement::from_bytes(&statement.unwrap().to_bytes()).unwrap();
        let (me, head) = (view.me, view.head);
        // Over another nonce, or as somebody else's, it does not do.
        let room = &mut self.devices[who].held.as_mut().unwrap().0;
        let other = Who::first((me.person + 1) % PEOPLE);
        assert!(attempt(room, |room| room.confirm(&statement, &[0; 32], me.public())).is_err());
        assert!(attempt(room, |room| room.confirm(&statement, &nonce, other.public())).is_err());
        self.act(
            who,
            |room, _| room.confirm(&statement, &nonce, me.public()),
            |view, ledger| match view.head == head && ledger.has(view.head, me) {
                true => {
                    view.confirmed = true;
                    Ok(())
                }
                false => Err(Error::Room { check: "ROOM-23" }),
            },
        );
    }

    /// Goes where everyone with the same epochs goes.
    pub(crate) fn settle(&mut self, device: usize) {
        let best = self.view(device).settle(&self.ledger);
        assert_eq!(self.room(device).settle(), self.ledger.epochs[best].transcript);
        self.switch_to(device, best);
    }

    pub(crate) fn switch_to(&mut self, device: usize, epoch: usize) {
        let transcript = self.ledger.epochs[epoch].transcript;
        let refused = Error::Argument { what: "no epoch to switch to" };
        self.act(
            device,
            |room, _| room.switch_to(&transcript),
            |view, ledger| if view.switch_to(ledger, epoch) { Ok(()) } else { Err(refused) },
        );
    }
}
