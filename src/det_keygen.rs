//! C2SP det-keygen: a seed becomes a P-256 or an RSA key, the same one everywhere. SPEC §11.3
//!
//! Step numbers in comments are those of <https://c2sp.org/det-keygen>.

use crate::crypto::{HmacKey, P256Private};
use crate::error::Error;
use zeroize::{Zeroize, Zeroizing};
#[cfg(feature = "rsa")]
use {
    crate::crypto::RsaPrivate,
    crate::progress::{Watch, tell},
    crate::side_by_side,
    alloc::{boxed::Box, collections::VecDeque, vec},
    crypto_bigint::{Limb, NonZero, U1024, U1536, U2048, Uint},
    primes::Tests,
};

#[cfg(feature = "rsa")]
mod primes;

/// Fewest bytes of a seed. [DET-01]
const MIN_SEED_LEN: usize = 16;

/// HMAC_DRBG with SHA-256, without nonce and without reseeding; erased on drop. NIST SP 800-90A Rev. 1 §10.1.2
struct Drbg {
    key: HmacKey,
    value: Zeroizing<[u8; 32]>,
}

impl Drbg {
    /// Steps 2 to 7. The personalization string is given in two pieces. [DET-01]
    fn new(seed: &[u8], personalization: [&[u8]; 2]) -> Result<Self, Error> {
        if seed.len() < MIN_SEED_LEN {
            return Err(Error::Argument { what: "length of a key generation seed" });
        }
        let [name, parameter] = personalization;
        let mut drbg = Self { key: HmacKey::new(&[0; 32]), value: Zeroizing::new([1; 32]) };
        drbg.rekey(&[&[0], seed, name, parameter]);
        drbg.rekey(&[&[1], seed, name, parameter]);
        Ok(drbg)
    }

    /// K = HMAC(K, V || pieces), V = HMAC(K, V).
    fn rekey(&mut self, pieces: &[&[u8]]) {
        let mut input: [&[u8]; 5] = [&[]; 5];
        let all = core::iter::once(&self.value[..]).chain(pieces.iter().copied());
        input.iter_mut().zip(all).for_each(|(place, piece)| *place = piece);
        let mut key = self.key.mac(&input);
        self.key = HmacKey::new(&key);
        key.zeroize();
        self.next();
    }

    fn next(&mut self) {
        *self.value = self.key.mac(&[&*self.value]);
    }

    /// Fills `out` from consecutive values: steps 8 and 9, and the cut of the step after them.
    fn generate(&mut self, out: &mut [u8]) {
        for block in out.chunks_mut(32) {
            self.next();
            block.iter_mut().zip(*self.value).for_each(|(octet, value)| *octet = value);
        }
    }

    /// What stands between one output and the next: steps 11.1, 13.1, 15, 20.1 and 23.1 with those that follow them.
    fn update(&mut self) {
        self.rekey(&[&[0]]);
    }
}

/// The P-256 key of `seed`, at least 16 bytes chosen by the caller. c2sp.org/det-keygen, ECDSA [DET-01] [DET-02]
///
/// # Errors
/// [`Error::Argument`] if the seed is too short, [`Error::Generator`] if two draws in a row are out of range, which no
/// known seed reaches.
pub(crate) fn p256(seed: &[u8]) -> Result<P256Private, Error> {
    let mut drbg = Drbg::new(seed, [b"det ECDSA key gen P-256", b""])?;
    let mut scalar = crate::secret::Secret::<32>::zero();
    drbg.generate(scalar.expose_mut());
    // Step 11 retries only a scalar that is too large, and a zero is fatal in step 12; it has a chance of 2^-256 and
    // is not told apart here.
    if let Some(key) = P256Private::from_scalar(scalar.expose()) {
        return Ok(key);
    }
    drbg.update();
    drbg.generate(scalar.expose_mut());
    P256Private::from_scalar(scalar.expose()).ok_or(Error::Generator)
}

/// The RSA key of `seed`, at least 16 bytes chosen by the caller; `bits` is 2048, 3072 or 4096. c2sp.org/det-keygen, RSA
/// [DET-01] [DET-02]
///
/// `watch` is told in candidates, not of each but of those that are worth a long look.
///
/// # Errors
/// [`Error::Argument`] for another size or a seed that is too short, [`Error::GivenUp`] if `watch` said so,
/// [`Error::Generator`] if a prime is not found among ten times `bits` candidates, which has a chance of 2^-83.
#[cfg(feature = "rsa")]
pub(crate) fn rsa(seed: &[u8], bits: usize, watch: &mut Watch<'_>) -> Result<RsaPrivate, Error> {
    match bits {
        2048 => generate::<{ U1024::LIMBS }>(seed, 2048, watch),
        3072 => generate::<{ U1536::LIMBS }>(seed, 3072, watch),
        4096 => generate::<{ U2048::LIMBS }>(seed, 4096, watch),
        _ => Err(Error::Argument { what: "size of an RSA key" }),
    }
}

/// [`rsa`] with primes of `LIMBS` machine words, on the stack, where they can be erased.
#[cfg(feature = "rsa")]
fn generate<const LIMBS: usize>(seed: &[u8], bits: u16, watch: &mut Watch<'_>) -> Result<RsaPrivate, Error> {
    // Step 1.
    let parameter = bits.to_be_bytes();
    let mut drbg = Drbg::new(seed, [b"det RSA key gen", &parameter])?;
    // The bases are no part of the key, so they come from a generator of their own: as secret as the seed, the same on
    // every device, and independent of the candidates.
    let bases = Drbg::new(seed, [b"sealroom det RSA bases", &parameter])?;
    let tests = Tests::<LIMBS>::new(bases, bits);
    let mut search =
        Search { bits, drbg: &mut drbg, tests, watch, drawn: 0, ahead: VecDeque::with_capacity(side_by_side::width()) };
    loop {
        // Steps 8 to 18.
        let p = search.prime()?;
        let q = search.prime()?;
        // Steps 19 to 23: an unsuitable pair is given up whole.
        if suitable(&p, &q) {
            let [p, q] = [p, q].map(|prime| Zeroizing::new(prime.to_be_bytes()));
            return RsaPrivate::from_primes(p.as_ref(), q.as_ref());
        }
    }
}

/// Whether 65537 can be inverted and the private exponent is as long as it should be: steps 20 and 23.
#[cfg(feature = "rsa")]
fn suitable<const LIMBS: usize>(p: &Uint<LIMBS>, q: &Uint<LIMBS>) -> bool {
    let (p, q) = (p.wrapping_sub(&Uint::ONE), q.wrapping_sub(&Uint::ONE));
    let (p, q) = (Zeroizing::new(p), Zeroizing::new(q));
    // e is prime, so it can be inverted unless it divides p - 1 or q - 1.
    let e = NonZero::<Limb>::new_unwrap(Limb(65537));
    let invertible = p.rem_limb(e) != Limb::ZERO && q.rem_limb(e) != Limb::ZERO;
    invertible && Zeroizing::new(p.gcd(&q)).bit_width() <= 32
}

/// A search for primes that goes through the candidates of one generator.
#[cfg(feature = "rsa")]
struct Search<'a, 'w, const LIMBS: usize> {
    bits: u16,
    drbg: &'a mut Drbg,
    tests: Tests<LIMBS>,
    watch: &'a mut Watch<'w>,
    drawn: u32,
    ahead: VecDeque<Candidate<LIMBS>>,
}

/// A candidate without a small factor.
#[cfg(feature = "rsa")]
struct Candidate<const LIMBS: usize> {
    /// As the how manieth it was drawn, from 1.
    number: u32,
    /// In a place of its own: what is moved within a list leaves a copy behind.
    value: Box<Zeroizing<Uint<LIMBS>>>,
    passes_base_two: bool,
}

#[cfg(feature = "rsa")]
impl<const LIMBS: usize> Search<'_, '_, LIMBS> {
    /// The next prime: steps 8 to 16.
    fn prime(&mut self) -> Result<Box<Zeroizing<Uint<LIMBS>>>, Error> {
        loop {
            let candidate = match self.ahead.pop_front() {
                Some(candidate) => candidate,
                None => {
                    self.look_ahead()?;
                    continue;
                }
            };
            tell(self.watch, candidate.number, expected(self.bits))?;
            if candidate.passes_base_two && self.tests.passes_secret_bases(&candidate.value) {
                return Ok(candidate.value);
            }
        }
    }

    /// Draws candidates until there are as many without a small factor as are worth testing at once, and tests these. What is
    /// left of them when a prime was found are the first candidates for the next one.
    fn look_ahead(&mut self) -> Result<(), Error> {
        let mut bytes = Zeroizing::new(vec![0; usize::from(self.bits / 16)]);
        // "For compliance, implementations may choose to return a fatal error after 10 x bits candidates".
        for _ in 0..u32::from(self.bits).saturating_mul(10) {
            self.drbg.generate(&mut bytes);
            // Always, though the standard leaves it out after the last prime of a key, where it changes nothing.
            self.drbg.update();
            // Steps 10 and 11.
            if let Some(first) = bytes.first_mut() {
                *first |= 0b1100_0000;
            }
            if let Some(last) = bytes.last_mut() {
                *last |= 0b0000_0111;
            }
            // Step 13.
            self.drawn = self.drawn.saturating_add(1);
            if !self.tests.has_small_factor(&bytes) {
                let value = Box::new(Zeroizing::new(Uint::from_be_slice(&bytes)));
                self.ahead.push_back(Candidate { number: self.drawn, value, passes_base_two: false });
            }
            if self.ahead.len() >= side_by_side::width() {
                let verdicts =
                    side_by_side::map(self.ahead.make_contiguous(), |one| primes::passes_base_two(&one.value));
                for (candidate, verdict) in self.ahead.iter_mut().zip(verdicts) {
                    candidate.passes_base_two = verdict;
                }
                return Ok(());
            }
        }
        Err(Error::Generator)
    }
}

/// Mean number of candidates for the two primes of a modulus of `bits`.
///
/// Around x one in ln x numbers is prime, and the primes lie in the four odd classes modulo 8 alike, so that of the
/// candidates, which are all 7 modulo 8, two in ln x are. Two primes of bits / 2 bits each thus take ln x = bits / 2 *
/// ln 2 candidates: 709, 1064 and 1419.
#[cfg(feature = "rsa")]
fn expected(bits: u16) -> u32 {
    // ln 2 / 2 = 0.34657
    u32::from(bits).saturating_mul(34_657) / 100_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_of_sixteen_bytes_and_no_fewer() {
        assert!(p256(&[0; 16]).is_ok());
        assert!(matches!(p256(&[0; 15]), Err(Error::Argument { .. })));
    }

    /// Steps 20 and 23, which no seed reaches in reasonable time.
    #[cfg(feature = "rsa")]
    #[test]
    fn unsuitable_pairs_are_refused() {
        let number = U1024::from_u64;
        assert!(suitable(&number(8), &number(9)));
        for multiple in [65537 + 1, 65537 * 2 + 1] {
            assert!(!suitable(&number(multiple), &number(9)));
            assert!(!suitable(&number(9), &number(multiple)));
        }
        // 2^32 - 5 is the largest prime below 2^32.
        for (ratio, verdict) in [((1 << 32) - 5, true), (1 << 32, false), ((1 << 32) + 15, false)] {
            assert_eq!(suitable(&number(ratio + 1), &number(ratio * 8 + 1)), verdict);
        }
    }

    #[cfg(feature = "rsa")]
    #[test]
    fn other_sizes_and_giving_up() {
        use core::ops::ControlFlow;
        for bits in [0, 1024, 2049, 2064, 8192] {
            assert!(matches!(rsa(&[0; 32], bits, &mut crate::progress::unwatched), Err(Error::Argument { .. })));
        }
        let mut told = 0;
        let mut stop = |progress: crate::progress::Progress| {
            told += 1;
            assert_eq!(progress.expected, 709);
            if told < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        assert!(matches!(rsa(&[0; 32], 2048, &mut stop), Err(Error::GivenUp)));
        assert_eq!(told, 3);
    }

    /// Of 64 bits, so that others can say what is prime: all that are among what the generator gives, in its order.
    #[cfg(feature = "rsa")]
    #[test]
    fn the_search_takes_every_prime_and_nothing_else() {
        use alloc::vec::Vec;
        use crypto_bigint::U64;
        const MANY: usize = if cfg!(miri) { 2 } else { 6 };
        // The first 12 primes as bases leave no doubt below 2^64 (Sorenson and Webster, 2015); candidates are 7 modulo 8.
        let is_prime = |number: u64| {
            [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].into_iter().all(|base: u128| {
                let times = |a: u128, b: u128| a * b % u128::from(number);
                let bits = (1..64).rev().map(|place| number >> place & 1);
                let power = bits.fold(1, |power, bit| times(times(power, power), if bit == 1 { base } else { 1 }));
                power == 1 || power == u128::from(number - 1)
            })
        };
        let drbg = |seed| Drbg::new(&[seed; 16], [b"test", b""]).unwrap();
        let mut other = drbg(0);
        let candidates = core::iter::repeat_with(|| {
            let mut bytes = [0; 8];
            other.generate(&mut bytes);
            other.update();
            u64::from_be_bytes(bytes) | 0xc000_0000_0000_0007
        });
        let primes: Vec<u64> = candidates.filter(|number| is_prime(*number)).take(MANY).collect();

        let (mut own, tests) = (drbg(0), Tests::<{ U64::LIMBS }>::new(drbg(1), 128));
        let watch = &mut crate::progress::unwatched;
        let mut search = Search { bits: 128, drbg: &mut own, tests, watch, drawn: 0, ahead: VecDeque::new() };
        let found: Vec<u64> = (0..MANY).map(|_| u64::from(**search.prime().unwrap())).collect();
        assert_eq!(found, primes);
    }

    /// Base 2 alone takes the pseudoprime for a prime.
    #[cfg(feature = "rsa")]
    #[test]
    fn a_prime_passes_both_tests() {
        use crate::progress::unwatched;
        use primes::tests::{prime, pseudoprime};
        let drbg = |seed| Drbg::new(&[seed; 16], [b"test", b""]).unwrap();
        let candidate =
            |value, passes_base_two| Candidate { number: 1, value: Box::new(Zeroizing::new(value)), passes_base_two };
        let ahead = [candidate(pseudoprime(), true), candidate(prime(), false), candidate(prime(), true)].into();
        let (mut own, tests) = (drbg(0), Tests::new(drbg(1), 2048));
        let mut search = Search { bits: 2048, drbg: &mut own, tests, watch: &mut unwatched, drawn: 0, ahead };
        assert_eq!(**search.prime().unwrap(), prime());
        assert!(search.ahead.is_empty());
    }
}
