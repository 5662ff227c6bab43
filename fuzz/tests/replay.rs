//! What the fuzzer begins with, and what it found once, without a fuzzer.

use sealroom_fuzz::{Target, corpus};

fn replay(name: &str, target: Target) {
    let seeds = corpus::seeds(name);
    assert!(seeds.len() >= 40, "a target without seeds");
    seeds.iter().for_each(|seed| target(seed));
    target(b"");
    for (path, bytes) in corpus::regressions(name) {
        println!("{}", path.display());
        target(&bytes);
    }
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name), sealroom_fuzz::$name);
        })*

        #[test]
        fn all_are_replayed() {
            assert!(sealroom_fuzz::TARGETS.iter().map(|(name, _)| *name).eq([$(stringify!($name)),*]));
        }
    };
}

replays! { decode words open stream device room keyring recovery story }
