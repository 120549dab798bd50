//! Vehicle identification numbers that are exact enough to identify a car. It does not decode or repair them.
//!
//! Source: 49 CFR 565.15 (alphabet, weights and check digit).

/// The VIN in upper case if it is valid: 17 characters of the VIN alphabet with a correct check digit, not all the same.
/// A foreign VIN without a North American check digit gives none: European fillers (`ZZZ`) repeat among cars.
pub fn valid(text: &str) -> Option<String> {
    let vin = text.trim().to_ascii_uppercase();
    let bytes: &[u8; 17] = vin.as_bytes().try_into().ok()?;
    if bytes.iter().all(|byte| byte == bytes.first().unwrap_or(byte)) {
        return None;
    }
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let mut sum = 0;
    for (byte, weight) in bytes.iter().zip(WEIGHTS) {
        sum += value(*byte)? * weight;
    }
    let expected = match sum % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10)?,
    };
    (char::from(bytes[8]) == expected).then_some(vin)
}

fn value(byte: u8) -> Option<u32> {
    Some(match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'H' => u32::from(byte - b'A') + 1,
        b'J'..=b'N' => u32::from(byte - b'J') + 1,
        b'P' => 7,
        b'R' => 9,
        b'S'..=b'Z' => u32::from(byte - b'S') + 2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::valid;

    #[test]
    fn only_a_vin_with_its_check_digit_identifies_a_car() {
        for vin in
            ["1HGCM82633A004352", "1M8GDM9AXKP042788", "5GZCZ43D13S812715", "ZACCJBBB2HPF21828", "jn1ar5ef9lm100439"]
        {
            assert_eq!(valid(vin), Some(vin.to_uppercase()));
        }
        for vin in [
            "1HGCM82633A004353",
            "1FA6P8CF0H5100000",
            "WP0ZZZ99ZTS392124",
            "11111111111111111",
            "1HGCM82633A00435",
            "",
            "ÄHGCM82633A00435",
        ] {
            assert_eq!(valid(vin), None, "{vin}");
        }
    }
}
