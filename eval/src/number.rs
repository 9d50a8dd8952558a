//! Numbers as text, in each of the forms the language has for them.
//!
//! * Printed values and messages show six significant digits ([`nivis_lang::show::write_float`]),
//! * string coercion shows six decimals ([`fixed`]),
//! * JSON shows as many digits as it takes to read the same number back ([`write_json`]).
//!
//! Results end up in store paths, so each form is the reference's to the last digit.

/// A float as `toString` and string interpolation show it: six decimals, like C's `%f`.
pub fn fixed(value: f64) -> String {
    match (value.is_nan(), value.is_sign_negative()) {
        (true, true) => "-nan".to_owned(),
        (true, false) => "nan".to_owned(),
        _ => format!("{value:.6}"),
    }
}

/// Writes a float as JSON. What JSON has no number for becomes `null`.
pub fn write_json(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        return out.extend_from_slice(b"null");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let (digits, exponent) = grisu2(value.abs());
    write_decimal(out, &digits, exponent);
}

/// Writes `digits * 10^exponent`, in scientific notation when very small or large.
fn write_decimal(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let count = digits.len() as i32;
    // The position of the decimal point, relative to the first digit.
    let point = count + exponent;
    let zeros = |count: i32| std::iter::repeat_n(b'0', count.unsigned_abs() as usize);
    match point {
        -3..=0 => {
            out.extend_from_slice(b"0.");
            out.extend(zeros(point));
            out.extend_from_slice(digits);
        }
        1..=15 if exponent >= 0 => {
            out.extend_from_slice(digits);
            out.extend(zeros(exponent));
            out.extend_from_slice(b".0");
        }
        1..=15 => {
            let (whole, decimals) = digits.split_at(point.unsigned_abs() as usize);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(decimals);
        }
        _ => {
            out.push(digits[0]);
            if count > 1 {
                out.push(b'.');
                out.extend_from_slice(&digits[1..]);
            }
            let power = point - 1;
            let sign = if power < 0 { '-' } else { '+' };
            out.extend_from_slice(format!("e{sign}{:02}", power.abs()).as_bytes());
        }
    }
}

/// A floating-point number `f * 2^e` with a 64-bit significand.
#[derive(Clone, Copy)]
struct Wide {
    f: u64,
    e: i32,
}

impl Wide {
    fn normalized(self) -> Wide {
        let shift = self.f.leading_zeros();
        Wide {
            f: self.f << shift,
            e: self.e - shift as i32,
        }
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Wide) -> Wide {
        let product = u128::from(self.f) * u128::from(other.f);
        Wide {
            f: ((product + (1 << 63)) >> 64) as u64,
            e: self.e + other.e + 64,
        }
    }
}

/// Finds digits (and the power of ten of the last) that read back as `value`, which is positive and finite.
///
/// This is Loitsch's Grisu2, as the reference's JSON library uses it: quick and nearly always the shortest, but not
/// always. `1e23` becomes `9.999999999999999e+22`, and has to.
fn grisu2(value: f64) -> (Vec<u8>, i32) {
    const FRACTION_BITS: u32 = 52;
    const HIDDEN_BIT: u64 = 1 << FRACTION_BITS;
    const BIAS: i32 = 1023 + FRACTION_BITS as i32;
    let bits = value.to_bits();
    let (fraction, biased) = (bits & (HIDDEN_BIT - 1), (bits >> FRACTION_BITS) as i32);
    let exact = match biased {
        0 => Wide {
            f: fraction,
            e: 1 - BIAS,
        },
        biased => Wide {
            f: fraction + HIDDEN_BIT,
            e: biased - BIAS,
        },
    };
    // Every number between these two reads back as `value`.
    let upper = Wide {
        f: 2 * exact.f + 1,
        e: exact.e - 1,
    }
    .normalized();
    let lower = if fraction == 0 && biased > 1 {
        Wide {
            f: 4 * exact.f - 1,
            e: exact.e - 2,
        }
    } else {
        Wide {
            f: 2 * exact.f - 1,
            e: exact.e - 1,
        }
    };
    let lower = Wide {
        f: lower.f << (lower.e - upper.e),
        e: upper.e,
    };
    let (scale, power) = power_of_ten_for(upper.e);
    let (lower, exact, upper) = (
        lower.times(scale),
        exact.normalized().times(scale),
        upper.times(scale),
    );
    // The products may be off by one in the last place.
    let (lower, upper) = (
        lower.f + 1,
        Wide {
            f: upper.f - 1,
            e: upper.e,
        },
    );
    generate_digits(lower, exact.f, upper, -power)
}

/// Generates digits of `upper` until the rest no longer matters, then moves the last digit towards `exact`. All
/// three numbers have `upper`'s exponent.
fn generate_digits(lower: u64, exact: u64, upper: Wide, exponent: i32) -> (Vec<u8>, i32) {
    let mut slack = upper.f - lower;
    let mut distance = upper.f - exact;
    let shift = upper.e.unsigned_abs();
    let one = 1u64 << shift;
    let (mut whole, mut part) = (upper.f >> shift, upper.f & (one - 1));
    let mut digits = Vec::with_capacity(17);
    let mut left = whole.checked_ilog10().map_or(1, |log| log + 1);
    while left > 0 {
        left -= 1;
        let unit = 10u64.pow(left);
        digits.push(b'0' + (whole / unit) as u8);
        whole %= unit;
        let rest = (whole << shift) + part;
        if rest <= slack {
            round_last(&mut digits, distance, slack, rest, unit << shift);
            return (digits, exponent + left as i32);
        }
    }
    let mut decimals = 0;
    loop {
        part *= 10;
        digits.push(b'0' + (part >> shift) as u8);
        part &= one - 1;
        decimals += 1;
        slack *= 10;
        distance *= 10;
        if part <= slack {
            round_last(&mut digits, distance, slack, part, one);
            return (digits, exponent - decimals);
        }
    }
}

/// Lowers the last digit as long as that brings the number (`rest` below the upper end) closer to the exact one.
fn round_last(digits: &mut [u8], distance: u64, slack: u64, mut rest: u64, unit: u64) {
    let Some(last) = digits.last_mut() else { return };
    while rest < distance
        && slack - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        *last -= 1;
        rest += unit;
    }
}

/// The power of ten that brings a number with binary exponent `exponent` into the range digits are generated from.
fn power_of_ten_for(exponent: i32) -> (Wide, i32) {
    const LOWEST_TARGET: i32 = -60;
    let binary = LOWEST_TARGET - exponent - 1;
    // 78913 / 2^18 is log10(2).
    let decimal = binary * 78913 / (1 << 18) + i32::from(binary > 0);
    let index = (decimal - POWERS_OF_TEN[0].2 + 7) / 8;
    let (f, e, power) = POWERS_OF_TEN[index.unsigned_abs() as usize];
    (Wide { f, e }, power)
}

/// `(f, e, k)` with `f * 2^e` the closest to `10^k`.
#[rustfmt::skip]
const POWERS_OF_TEN: [(u64, i32, i32); 79] = [
    (0xab70fe17c79ac6ca, -1060, -300),
    (0xff77b1fcbebcdc4f, -1034, -292),
    (0xbe5691ef416bd60c, -1007, -284),
    (0x8dd01fad907ffc3c, -980, -276),
    (0xd3515c2831559a83, -954, -268),
    (0x9d71ac8fada6c9b5, -927, -260),
    (0xea9c227723ee8bcb, -901, -252),
    (0xaecc49914078536d, -874, -244),
    (0x823c12795db6ce57, -847, -236),
    (0xc21094364dfb5637, -821, -228),
    (0x9096ea6f3848984f, -794, -220),
    (0xd77485cb25823ac7, -768, -212),
    (0xa086cfcd97bf97f4, -741, -204),
    (0xef340a98172aace5, -715, -196),
    (0xb23867fb2a35b28e, -688, -188),
    (0x84c8d4dfd2c63f3b, -661, -180),
    (0xc5dd44271ad3cdba, -635, -172),
    (0x936b9fcebb25c996, -608, -164),
    (0xdbac6c247d62a584, -582, -156),
    (0xa3ab66580d5fdaf6, -555, -148),
    (0xf3e2f893dec3f126, -529, -140),
    (0xb5b5ada8aaff80b8, -502, -132),
    (0x87625f056c7c4a8b, -475, -124),
    (0xc9bcff6034c13053, -449, -116),
    (0x964e858c91ba2655, -422, -108),
    (0xdff9772470297ebd, -396, -100),
    (0xa6dfbd9fb8e5b88f, -369, -92),
    (0xf8a95fcf88747d94, -343, -84),
    (0xb94470938fa89bcf, -316, -76),
    (0x8a08f0f8bf0f156b, -289, -68),
    (0xcdb02555653131b6, -263, -60),
    (0x993fe2c6d07b7fac, -236, -52),
    (0xe45c10c42a2b3b06, -210, -44),
    (0xaa242499697392d3, -183, -36),
    (0xfd87b5f28300ca0e, -157, -28),
    (0xbce5086492111aeb, -130, -20),
    (0x8cbccc096f5088cc, -103, -12),
    (0xd1b71758e219652c, -77, -4),
    (0x9c40000000000000, -50, 4),
    (0xe8d4a51000000000, -24, 12),
    (0xad78ebc5ac620000, 3, 20),
    (0x813f3978f8940984, 30, 28),
    (0xc097ce7bc90715b3, 56, 36),
    (0x8f7e32ce7bea5c70, 83, 44),
    (0xd5d238a4abe98068, 109, 52),
    (0x9f4f2726179a2245, 136, 60),
    (0xed63a231d4c4fb27, 162, 68),
    (0xb0de65388cc8ada8, 189, 76),
    (0x83c7088e1aab65db, 216, 84),
    (0xc45d1df942711d9a, 242, 92),
    (0x924d692ca61be758, 269, 100),
    (0xda01ee641a708dea, 295, 108),
    (0xa26da3999aef774a, 322, 116),
    (0xf209787bb47d6b85, 348, 124),
    (0xb454e4a179dd1877, 375, 132),
    (0x865b86925b9bc5c2, 402, 140),
    (0xc83553c5c8965d3d, 428, 148),
    (0x952ab45cfa97a0b3, 455, 156),
    (0xde469fbd99a05fe3, 481, 164),
    (0xa59bc234db398c25, 508, 172),
    (0xf6c69a72a3989f5c, 534, 180),
    (0xb7dcbf5354e9bece, 561, 188),
    (0x88fcf317f22241e2, 588, 196),
    (0xcc20ce9bd35c78a5, 614, 204),
    (0x98165af37b2153df, 641, 212),
    (0xe2a0b5dc971f303a, 667, 220),
    (0xa8d9d1535ce3b396, 694, 228),
    (0xfb9b7cd9a4a7443c, 720, 236),
    (0xbb764c4ca7a44410, 747, 244),
    (0x8bab8eefb6409c1a, 774, 252),
    (0xd01fef10a657842c, 800, 260),
    (0x9b10a4e5e9913129, 827, 268),
    (0xe7109bfba19c0c9d, 853, 276),
    (0xac2820d9623bf429, 880, 284),
    (0x80444b5e7aa7cf85, 907, 292),
    (0xbf21e44003acdd2d, 933, 300),
    (0x8e679c2f5e44ff8f, 960, 308),
    (0xd433179d9c8cb841, 986, 316),
    (0x9e19db92b4e31ba9, 1013, 324),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: f64) -> String {
        let mut out = Vec::new();
        write_json(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    fn printed(value: f64) -> String {
        let mut out = Vec::new();
        nivis_lang::show::write_float(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    /// Each line as printed by the reference.
    #[test]
    fn three_forms() {
        for (value, as_printed, as_fixed, as_json) in [
            (0.0, "0", "0.000000", "0.0"),
            (1.5, "1.5", "1.500000", "1.5"),
            (1000000.0, "1e+06", "1000000.000000", "1000000.0"),
            (123456.5, "123456", "123456.500000", "123456.5"),
            (1e15, "1e+15", "1000000000000000.000000", "1e+15"),
            (3e14, "3e+14", "300000000000000.000000", "300000000000000.0"),
            (1e-4, "0.0001", "0.000100", "0.0001"),
            (1e-5, "1e-05", "0.000010", "1e-05"),
            (1e-7, "1e-07", "0.000000", "1e-07"),
            (
                123_456_789.123_456_79,
                "1.23457e+08",
                "123456789.123457",
                "123456789.12345679",
            ),
            (
                1e23,
                "1e+23",
                "99999999999999991611392.000000",
                "9.999999999999999e+22",
            ),
            (0.1 + 0.2, "0.3", "0.300000", "0.30000000000000004"),
            (1.2345e-3, "0.0012345", "0.001234", "0.0012345"),
            (99999.95, "99999.9", "99999.950000", "99999.95"),
            (999999.5, "1e+06", "999999.500000", "999999.5"),
            (
                1234567890123456.7,
                "1.23457e+15",
                "1234567890123456.750000",
                "1.2345678901234567e+15",
            ),
            (f64::INFINITY, "inf", "inf", "null"),
            (f64::NEG_INFINITY, "-inf", "-inf", "null"),
            (-f64::NAN, "-nan", "-nan", "null"),
        ] {
            assert_eq!(printed(value), as_printed);
            assert_eq!(fixed(value), as_fixed);
            assert_eq!(json(value), as_json);
        }
    }

    #[test]
    fn json_reads_back() {
        let mut bits = 0x0123_4567_89ab_cdefu64;
        for _ in 0..100_000 {
            bits = bits
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let value = f64::from_bits(bits);
            if value.is_finite() {
                assert_eq!(json(value).parse(), Ok(value));
            }
        }
        for value in [f64::MIN_POSITIVE, f64::MAX, 5e-324, -0.0] {
            assert_eq!(json(value).parse(), Ok(value));
        }
    }
}
