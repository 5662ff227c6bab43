//! Sums of multiples of points of P-256 and inverses of its scalars, as machine code that Miri calls in place of what it
//! would interpret.

#![allow(unsafe_code, reason = "called with the addresses of buffers")]

use p256::elliptic_curve::PrimeField;
use p256::elliptic_curve::group::Group;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};

/// A term: a scalar, then the coordinates x and y of a point, each of 32 bytes, highest first.
type Term = [[u8; 32]; 3];

/// The sum of `count` terms, as x and y to `sum`: 1, or 0 where it is the point at infinity, or 2 where a term is none.
///
/// # Safety
/// There are `count` terms at `terms`, and a place for two coordinates at `sum`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealroom_p256_sum(count: usize, terms: *const Term, sum: *mut [[u8; 32]; 2]) -> u32 {
    // SAFETY: that is what callers promise.
    let (terms, sum) = unsafe { (core::slice::from_raw_parts(terms, count), &mut *sum) };
    let mut point = ProjectivePoint::IDENTITY;
    for [scalar, x, y] in terms {
        let scalar: Option<Scalar> = Scalar::from_repr(FieldBytes::from(*scalar)).into();
        let base: Option<AffinePoint> = AffinePoint::from_coordinates(&(*x).into(), &(*y).into()).into();
        let (Some(scalar), Some(base)) = (scalar, base) else { return 2 };
        point += ProjectivePoint::from(base) * scalar;
    }
    if point.is_identity().into() {
        return 0;
    }
    let point = point.to_affine();
    *sum = [point.x().into(), point.y().into()];
    1
}

/// The inverse of a scalar, to `inverse`: 1, or 0 where the scalar is zero or none.
///
/// # Safety
/// There is a scalar at `scalar`, and a place for one at `inverse`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealroom_p256_inverse(scalar: *const [u8; 32], inverse: *mut [u8; 32]) -> u32 {
    // SAFETY: that is what callers promise.
    let (scalar, inverse) = unsafe { (*scalar, &mut *inverse) };
    let scalar: Option<Scalar> = Scalar::from_repr(FieldBytes::from(scalar)).into();
    match scalar.and_then(|scalar| scalar.invert().into()) {
        Some(found) => *inverse = Scalar::to_repr(&found).into(),
        None => return 0,
    }
    1
}
