//! The moves of a game.

use crate::common::server::Spoil;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Refresh,
    /// Adds the insider, or removes them.
    Toggle,
}

/// What is false about a grant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lie {
    Nothing,
    /// It is in an honest person's name.
    Name,
    /// Who made an epoch.
    Author,
    /// The message key of an epoch.
    Key,
    /// Who is what in an epoch.
    Roster,
    /// It is for the other room.
    Room,
}

impl Lie {
    pub(super) const ALL: [Self; 6] = [Self::Nothing, Self::Name, Self::Author, Self::Key, Self::Roster, Self::Room];
}

/// An answer to somebody else's link request.
#[derive(Clone, Copy, Debug)]
pub(super) enum FalseAnswer {
    /// From another account, and right otherwise.
    Account,
    /// The person's public identity over another account's secret.
    Identity,
    /// The same in the person's name.
    Name,
    /// Another account's identity that lists the person's encryption key.
    Key,
}

impl FalseAnswer {
    pub(super) const ALL: [Self; 4] = [Self::Account, Self::Identity, Self::Name, Self::Key];
}

#[derive(Clone, Debug)]
pub(super) enum Move {
    /// An honest message, which the server gets.
    Says { who: usize, room: usize, text: u8 },
    /// An honest package; if `takes`, its author is told that it was taken.
    Changes { who: usize, room: usize, deed: Deed, takes: bool },
    /// A segment of an honest keyring.
    Records { who: usize },
    /// A request with its proof.
    Asks { server: usize, target: u8 },
    /// A plain member's honest refresh or message.
    InsiderWrites { at: usize, package: bool },
    /// A message or package of the plain member's in an honest person's name, or with more rights than they have.
    InsiderForges { at: usize, package: bool, as_who: usize },
    /// New phones of both honest people, which begin with one package alone.
    Begins { room: usize, at: usize },
    /// An honest person's grant for Alice, Bob or Carol of epochs before what their new phone holds; given at once if `now`, and
    /// that of Carol's to somebody else.
    Grants { who: usize, room: usize, len: usize, to: usize, now: bool },
    /// The plain member's grant, true or not.
    InsiderGrants { at: usize, to: usize, lie: Lie, now: bool },
    /// A new device that shows a request, and the answer of the one that has the identity.
    Links { who: usize, now: bool },
    /// An answer to any of these requests, by somebody who saw it.
    MalloryAnswers { request: usize, lie: FalseAnswer, now: bool },
    /// From here on the directory has the identity `by` under the fingerprint and name of `of`: a person's own is honest.
    Swaps { of: usize, by: usize },
    /// An honest person looks up by name who the other one is.
    LooksUp { who: usize },
    /// The object that is so far from the last that is stored, as it is or spoilt, given to somebody wherever it could go.
    Gives { to: usize, what: usize, spoil: Spoil },
    /// Some of the packages at once, from the last back if `reversed`.
    GivesMany { to: usize, room: usize, which: u64, reversed: bool },
}

pub(super) fn moves() -> impl Strategy<Value = Move> {
    let (who, room, at) = (|| 0..2_usize, || 0..2_usize, || 0..4096_usize);
    // Mostly what came last.
    let what = || prop_oneof![3 => 0..3_usize, 1 => 0..4096_usize];
    let lie = || prop_oneof![Just(Lie::Nothing), prop::sample::select(&Lie::ALL[..])];
    let false_answer = || prop_oneof![Just(FalseAnswer::Account), prop::sample::select(&FalseAnswer::ALL[..])];
    // Mostly of an honest person; half of the time nobody is swapped.
    let swap = || prop_oneof![Just((0, 0)), (prop_oneof![3 => 0..2_usize, 1 => Just(2)], 0..3_usize)];
    let now = || prop::bool::weighted(0.6);
    let deed = || prop_oneof![Just(Deed::Refresh), Just(Deed::Toggle)];
    prop_oneof![
        4 => (who(), room(), any::<u8>()).prop_map(|(who, room, text)| Move::Says { who, room, text }),
        6 => (who(), room(), deed(), prop::bool::weighted(0.6))
            .prop_map(|(who, room, deed, takes)| Move::Changes { who, room, deed, takes }),
        1 => who().prop_map(|who| Move::Records { who }),
        1 => (0..2_usize, any::<u8>()).prop_map(|(server, target)| Move::Asks { server, target }),
        4 => (at(), any::<bool>()).prop_map(|(at, package)| Move::InsiderWrites { at, package }),
        2 => (at(), any::<bool>(), who())
            .prop_map(|(at, package, as_who)| Move::InsiderForges { at, package, as_who }),
        3 => (room(), 0..2_usize).prop_map(|(room, at)| Move::Begins { room, at }),
        4 => (who(), room(), 0..4_usize, 0..3_usize, now())
            .prop_map(|(who, room, len, to, now)| Move::Grants { who, room, len, to, now }),
        7 => (at(), who(), lie(), now()).prop_map(|(at, to, lie, now)| Move::InsiderGrants { at, to, lie, now }),
        2 => (who(), now()).prop_map(|(who, now)| Move::Links { who, now }),
        2 => (at(), false_answer(), now())
            .prop_map(|(request, lie, now)| Move::MalloryAnswers { request, lie, now }),
        2 => swap().prop_map(|(of, by)| Move::Swaps { of, by }),
        6 => who().prop_map(|who| Move::LooksUp { who }),
        24 => (who(), what()).prop_map(|(to, what)| Move::Gives { to, what, spoil: Spoil::Not }),
        4 => (who(), what(), Spoil::any()).prop_map(|(to, what, spoil)| Move::Gives { to, what, spoil }),
        2 => (who(), room(), any::<u64>(), any::<bool>())
            .prop_map(|(to, room, which, reversed)| Move::GivesMany { to, room, which, reversed }),
    ]
}
