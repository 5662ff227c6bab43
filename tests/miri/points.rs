//! Added to the crate that has the arithmetic of points: Miri calls for their multiples and the inverses of scalars, and
//! interprets all else.

use elliptic_curve::subtle::{Choice, CtOption};

use crate::{AffinePoint, PrimeCurveParams, PrimeField, ProjectivePoint, Scalar};

unsafe extern "C" {
    fn sealroom_p256_sum(count: usize, terms: *const [[u8; 32]; 3], sum: *mut [[u8; 32]; 2]) -> u32;
    fn sealroom_p256_inverse(scalar: *const [u8; 32], inverse: *mut [u8; 32]) -> u32;
}

/// The sum of points of P-256 multiplied by scalars.
pub(crate) fn sum<C: PrimeCurveParams>(terms: &[(ProjectivePoint<C>, Scalar<C>)]) -> ProjectivePoint<C> {
    let mut asked = [[[0; 32]; 3]; 2];
    let mut count = 0;
    for (point, scalar) in terms {
        // The point at infinity adds nothing.
        if *point != ProjectivePoint::IDENTITY {
            let point = point.to_affine();
            let place = &mut asked[count];
            place[0].copy_from_slice(&scalar.to_repr());
            place[1].copy_from_slice(&point.x.to_repr());
            place[2].copy_from_slice(&point.y.to_repr());
            count += 1;
        }
    }
    let mut sum = [[0; 32]; 2];
    // SAFETY: as many terms as stand at the place, and room for two coordinates.
    match unsafe { sealroom_p256_sum(count, asked.as_ptr(), &mut sum) } {
        0 => ProjectivePoint::IDENTITY,
        1 => AffinePoint { x: coordinate::<C>(&sum[0]), y: coordinate::<C>(&sum[1]), infinity: 0 }.into(),
        _ => panic!("not a term of P-256"),
    }
}

fn coordinate<C: PrimeCurveParams>(bytes: &[u8]) -> C::FieldElement {
    let mut repr = <C::FieldElement as PrimeField>::Repr::default();
    repr.copy_from_slice(bytes);
    C::FieldElement::from_repr(repr).expect("a coordinate")
}

/// The inverse of a scalar of P-256, unless it is zero.
pub fn inverse<S: PrimeField>(scalar: &S) -> CtOption<S> {
    let (mut asked, mut inverse) = ([0; 32], S::Repr::default());
    asked.copy_from_slice(scalar.to_repr().as_ref());
    let mut answer = [0; 32];
    // SAFETY: a scalar, and room for one.
    let found = unsafe { sealroom_p256_inverse(&asked, &mut answer) };
    inverse.as_mut().copy_from_slice(&answer);
    CtOption::new(S::from_repr(inverse).expect("a scalar"), Choice::from(u8::from(found == 1)))
}
