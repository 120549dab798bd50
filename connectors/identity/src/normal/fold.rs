//! Folds text to plain lower-case ASCII letters, digits and single spaces. It does not know the meaning of the text.

/// Longest input, in characters. Real names and street lines are far shorter.
const INPUT_CHARACTERS_MAX: usize = 200;

/// Lower-case ASCII without diacritics; anything that is neither letter nor digit becomes one space.
/// Apostrophes are removed (`O'Brien` is `obrien`). Letters of other scripts are kept, in lower case.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().take(INPUT_CHARACTERS_MAX).flat_map(char::to_lowercase) {
        if matches!(character, '\'' | '’' | '`' | '´') || ('\u{300}'..='\u{36f}').contains(&character) {
            continue;
        }
        let plain = plain_letters(character);
        if !plain.is_empty() {
            folded.push_str(plain);
        } else if character.is_alphanumeric() {
            folded.push(character);
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The plain form of a Latin letter with a diacritic, or none.
fn plain_letters(character: char) -> &'static str {
    match character {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn diacritics_punctuation_and_case_do_not_distinguish() {
        assert_eq!(fold("  José   MUÑOZ-O'Brien "), "jose munoz obrien");
        assert_eq!(fold("Jose\u{301}"), "jose");
        assert_eq!(fold("Straße №"), "strasse");
    }
}
