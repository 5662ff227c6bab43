//! Is this candidate prime? Trial division, then base 2, then rounds with secret bases. c2sp.org/det-keygen, RSA step 13
//!
//! Candidates are 7 modulo 8. So t - 1 is twice an odd number, and a Miller-Rabin round with base b is one power: t
//! passes if b^((t - 1) / 2) is 1 or -1. For b = 2 it must be 1, since 2 is a square modulo every prime of that class.

use super::Drbg;
use crate::side_by_side;
use alloc::vec;
use alloc::vec::Vec;
use core::iter;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Choice, CtAssign, MontyForm, MontyMultiplier, Odd, Uint};
use zeroize::Zeroizing;

/// Trial division goes up to here. A prime factor p is worth looking for while that costs less than 1/p of the next
/// test, and division costs some nanoseconds where a power costs more than a millisecond. Twice this bound would save
/// another three hundredths, for twice the memory, which is three quarters of a megabyte for RSA-3072.
const BOUND: usize = 1 << 17;

/// The product of a group's primes is below this, so that a sum of 32 products of such a number and a 64-bit digit is
/// below 2^127.
const GROUP_BOUND: u64 = 1 << 58;

/// Most 64-bit digits of a candidate.
const MAX_DIGITS: usize = 32;

/// The tests for candidates of one size, which is that of `Uint<LIMBS>`.
pub(super) struct Tests<const LIMBS: usize> {
    primes: Vec<SmallPrime>,
    /// How many primes each group has.
    groups: Vec<usize>,
    /// For each group in turn, the powers of 2^64 modulo its product, lowest first, one for each digit of a candidate.
    powers: Vec<u64>,
    digits: usize,
    rounds: u32,
    bases: Drbg,
}

struct SmallPrime {
    prime: u64,
    /// The inverse modulo 2^64.
    inverse: u64,
    /// floor((2^64 - 1) / prime).
    quotient: u64,
}

impl<const LIMBS: usize> Tests<LIMBS> {
    /// For primes of half of `bits`. `bases` gives the bases of the last rounds.
    ///
    /// The tables are made anew for each key, in about a hundredth of its time, so that a program that makes no RSA key
    /// carries none.
    pub(super) fn new(bases: Drbg, bits: u16) -> Self {
        let digits = usize::from(bits / 128);
        // As the standard says, from Table B.1 of FIPS 186-5 and the formula of its App. C.1.
        let rounds = if bits < 2690 { 5 } else { 4 };
        let mut tests = Self { primes: odd_primes(), groups: vec![], powers: vec![], digits, rounds, bases };
        let (mut product, mut len) = (1u64, 0usize);
        // A last number that fits into no group closes the last one.
        for prime in tests.primes.iter().map(|small| small.prime).chain(iter::once(u64::MAX)) {
            match product.checked_mul(prime).filter(|product| *product < GROUP_BOUND) {
                Some(larger) => (product, len) = (larger, len.saturating_add(1)),
                None => {
                    tests.groups.push(len);
                    tests.powers.extend(powers(product).take(digits));
                    (product, len) = (prime, 1);
                }
            }
        }
        tests
    }

    /// Whether a prime below [`BOUND`] divides `candidate`, which is big-endian and larger than that.
    ///
    /// Stops at the first that does, so time tells which: of a candidate that is thrown away.
    pub(super) fn has_small_factor(&self, candidate: &[u8]) -> bool {
        let mut digits = Zeroizing::new([0u64; MAX_DIGITS]);
        for (digit, bytes) in digits.iter_mut().zip(candidate.rchunks(8)) {
            *digit = bytes.iter().fold(0, |digit, octet| digit << 8 | u64::from(*octet));
        }
        let mut primes = &self.primes[..];
        for (len, powers) in self.groups.iter().zip(self.powers.chunks_exact(self.digits)) {
            // Congruent to the candidate modulo each prime of the group, and below 2^127.
            let sum = digits.iter().zip(powers).fold(0u128, |sum, (digit, power)| {
                sum.wrapping_add(u128::from(*digit).wrapping_mul(u128::from(*power)))
            });
            let (group, rest) = primes.split_at(*len);
            primes = rest;
            if group.iter().any(|small| small.divides(sum)) {
                return true;
            }
        }
        false
    }

    /// Whether `candidate`, which passes [`passes_base_two`], is prime.
    ///
    /// Base 2 throws out all but a vanishing part of the composites. What is left gets the rounds that the standard
    /// asks for, with bases drawn as in FIPS 186-5 App. B.3.1: they are unknown to whoever does not know the seed, so
    /// even a seed chosen for the purpose finds no composite that is known to pass. Base 2 is not counted among them.
    pub(super) fn passes_secret_bases(&mut self, candidate: &Uint<LIMBS>) -> bool {
        let Some(params) = montgomery(candidate) else { return false };
        let minus_one = Zeroizing::new(candidate.wrapping_sub(&Uint::ONE));
        let exponent = Zeroizing::new(minus_one.shr_vartime(1));
        let bases: Vec<Zeroizing<Uint<LIMBS>>> = (0..self.rounds).map(|_| self.base_below(&minus_one)).collect();
        let passes = side_by_side::map(&bases, |base| {
            let power = Zeroizing::new(FixedMontyForm::new(base, &params).pow(&exponent));
            let power = Zeroizing::new(power.retrieve());
            *power == Uint::ONE || *power == *minus_one
        });
        passes.into_iter().all(|passes| passes)
    }

    fn base_below(&mut self, minus_one: &Uint<LIMBS>) -> Zeroizing<Uint<LIMBS>> {
        let mut bytes = Zeroizing::new(vec![0; self.digits.saturating_mul(8)]);
        loop {
            self.bases.generate(&mut bytes);
            self.bases.update();
            let base = Zeroizing::new(Uint::from_be_slice(&bytes));
            // One in four is rejected at most, since the candidate's two top bits are set.
            if *base > Uint::ONE && *base < *minus_one {
                return base;
            }
        }
    }
}

/// For arithmetic modulo `candidate`, if it is odd.
fn montgomery<const LIMBS: usize>(candidate: &Uint<LIMBS>) -> Option<Zeroizing<FixedMontyParams<LIMBS>>> {
    let odd = Zeroizing::new(Odd::new(*candidate).into_option()?);
    Some(Zeroizing::new(FixedMontyParams::new(*odd)))
}

/// Whether 2^((t - 1) / 2) is 1 modulo `candidate` t, which must be 7 modulo 8.
///
/// Where a general power multiplies, this one doubles, which saves a fifth of the time.
pub(super) fn passes_base_two<const LIMBS: usize>(candidate: &Uint<LIMBS>) -> bool {
    let Some(params) = montgomery(candidate) else { return false };
    let params = &*params;
    let modulus = params.modulus();
    let mut multiplier = <FixedMontyForm<LIMBS> as MontyForm>::Multiplier::from(params);
    let mut power = Zeroizing::new(FixedMontyForm::one(params));
    let mut doubled = Zeroizing::new(Uint::ZERO);
    // (t - 1) / 2 is t without its last bit.
    for place in (1..Uint::<LIMBS>::BITS).rev() {
        multiplier.square_assign(&mut power);
        // Both ways in the same time: of all candidates the last one is the prime.
        *doubled = power.as_montgomery().double_mod(modulus.as_nz_ref());
        let bit = Choice::from(u8::from(modulus.as_ref().bit_vartime(place)));
        power.as_montgomery_mut().ct_assign(&doubled, bit);
    }
    power.as_montgomery() == params.one()
}

impl SmallPrime {
    fn new(prime: u64) -> Self {
        // Newton's iteration doubles the number of right bits; an odd number is its own inverse modulo 8.
        let inverse =
            (0..5).fold(prime, |inverse, _| inverse.wrapping_mul(2u64.wrapping_sub(prime.wrapping_mul(inverse))));
        Self { prime, inverse, quotient: u64::MAX.checked_div(prime).unwrap_or(0) }
    }

    /// Whether the prime divides `number`, which is below 2^127, without dividing: no processor's divider shows it.
    fn divides(&self, number: u128) -> bool {
        // number - multiple * prime is a multiple of 2^64, and the prime divides one if it divides the other.
        let (high, low) = halves(number);
        let multiple = low.wrapping_mul(self.inverse);
        let (carry, _) = halves(u128::from(multiple).wrapping_mul(u128::from(self.prime)));
        // Above zero, since the carry is below the prime.
        let rest = high.wrapping_add(self.prime).wrapping_sub(carry);
        // A multiple of the prime, and nothing else, becomes its quotient.
        rest.wrapping_mul(self.inverse) <= self.quotient
    }
}

/// The upper and the lower 64 bits.
fn halves(number: u128) -> (u64, u64) {
    let low = number & u128::from(u64::MAX);
    (u64::try_from(number >> 64).unwrap_or(0), u64::try_from(low).unwrap_or(0))
}

/// The powers of 2^64 modulo `product`, from 2^0.
fn powers(product: u64) -> impl Iterator<Item = u64> {
    iter::successors(Some(1u64), move |power| {
        (u128::from(*power) << 64).checked_rem(u128::from(product)).and_then(|power| u64::try_from(power).ok())
    })
}

/// The odd primes below [`BOUND`], by the sieve of Eratosthenes.
fn odd_primes() -> Vec<SmallPrime> {
    // Place i stands for 2 i + 1.
    let mut composite = vec![false; BOUND / 2];
    let mut primes = vec![];
    for number in (3..BOUND).step_by(2) {
        if composite.get(number / 2) == Some(&true) {
            continue;
        }
        // From the square on: smaller multiples have smaller factors.
        let square = number.saturating_mul(number) / 2;
        composite.iter_mut().skip(square).step_by(number).for_each(|place| *place = true);
        primes.extend(u64::try_from(number).map(SmallPrime::new));
    }
    primes
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crypto_bigint::{NonZero, U1024};

    fn tests() -> Tests<{ U1024::LIMBS }> {
        Tests::new(Drbg::new(&[0; 16], [b"test", b""]).unwrap(), 2048)
    }

    #[test]
    fn the_sieve_finds_all_primes() {
        let primes = odd_primes();
        assert_eq!(primes.len(), 12_250);
        assert!(primes.iter().all(|small| (2..small.prime).take(256).all(|factor| small.prime % factor != 0)));
        let tests = tests();
        assert_eq!(tests.groups.iter().sum::<usize>(), primes.len());
        assert_eq!(tests.powers.len(), tests.groups.len() * 16);
    }

    /// 2^1023 + 2^1022 + 2087
    pub(in super::super) fn prime() -> U1024 {
        U1024::from_u64(3).shl_vartime(1022).wrapping_add(&U1024::from_u64(2087))
    }

    #[test]
    fn composites_pass_neither_test() {
        let mut tests = tests();
        assert!(passes_base_two(&prime()) && tests.passes_secret_bases(&prime()));
        for distance in (8..200).step_by(8) {
            let composite = prime().wrapping_add(&U1024::from_u64(distance));
            assert!(!passes_base_two(&composite) && !tests.passes_secret_bases(&composite), "{distance}");
        }
        let even = prime().wrapping_add(&U1024::ONE);
        assert!(!passes_base_two(&even) && !tests.passes_secret_bases(&even));
    }

    /// (4^p - 1) / 3 passes to base 2 for every prime p above 3, though 2^p - 1 divides it: here p is 509.
    pub(in super::super) fn pseudoprime() -> U1024 {
        let number = U1024::ONE.shl_vartime(2 * 509).wrapping_sub(&U1024::ONE);
        number.wrapping_div(&NonZero::new(U1024::from_u64(3)).unwrap())
    }

    #[test]
    fn what_deceives_base_two_does_not_deceive_secret_bases() {
        assert!(passes_base_two(&pseudoprime()) && !tests().passes_secret_bases(&pseudoprime()));
    }

    /// All numbers above 1 and below minus one are bases.
    #[test]
    fn bases_are_below_the_candidate() {
        let (mut tests, minus_one) = (tests(), prime().wrapping_sub(&U1024::ONE));
        let bases: Vec<_> = (0..64).map(|_| tests.base_below(&minus_one)).collect();
        assert!(bases.iter().all(|base| **base > U1024::ONE && **base < minus_one));
        // As many as those of the two lower quarters, of three.
        assert!((30..55).contains(&bases.iter().filter(|base| !base.bit_vartime(1023)).count()));
    }

    #[test]
    fn every_small_factor_is_found() {
        let tests = tests();
        // It is prime, hence has none of them.
        let prime = prime();
        assert!(!tests.has_small_factor(prime.to_be_bytes().as_ref()));
        let cofactor = U1024::MAX.shr_vartime(17);
        for small in odd_primes() {
            let multiple = cofactor.wrapping_mul(&U1024::from_u64(small.prime));
            assert!(tests.has_small_factor(multiple.to_be_bytes().as_ref()));
            for number in [0, 1, small.prime - 1, small.prime, small.prime + 1, u64::MAX] {
                for high in [0u64, 1, (1 << 63) - 1] {
                    let number = u128::from(number) | u128::from(high) << 64;
                    assert_eq!(small.divides(number), number % u128::from(small.prime) == 0);
                }
            }
        }
    }
}
