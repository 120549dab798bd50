//! Money and `<finance>`: decimal strings, never floating point.

use super::choice::{AMOUNT_LIMIT, AMOUNT_TYPE, BALANCE_TYPE, Choice, PRICE_DELTA, PRICE_RELATIVE_TO, PRICE_TYPE};
use super::node::{Node, Reading};
use crate::lead::{Amount, Finance, Price};
use crate::warnings::excerpt;

/// Reads a `<price>`; `None` if it contains no number.
pub(crate) fn price(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Price> {
    let (amount, currency) = money(node, reading)?;
    Some(Price {
        amount,
        currency,
        kind: reading.choice(node, &PRICE_TYPE).unwrap_or("quote"),
        delta: reading.choice(node, &PRICE_DELTA),
        relative_to: reading.choice(node, &PRICE_RELATIVE_TO),
        source: node.attribute("source").map(str::to_owned),
    })
}

/// Reads a `<finance>`; `None` if it is empty.
pub(crate) fn finance(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Finance> {
    let mut finance = Finance::default();
    for child in node.children() {
        match child.name() {
            "method" => {
                let text = reading.text(&child);
                reading.once(&mut finance.method, text, &child);
            }
            "amount" => finance.amounts.extend(amount(&child, &AMOUNT_TYPE, "total", reading)),
            "balance" => {
                let balance = amount(&child, &BALANCE_TYPE, "finance", reading);
                reading.once(&mut finance.balance, balance, &child);
            }
            _ => reading.unknown(&child),
        }
    }
    (finance != Finance::default()).then_some(finance)
}

fn amount(node: &Node<'_>, kinds: &Choice, default_kind: &'static str, reading: &mut Reading<'_>) -> Option<Amount> {
    let (amount, currency) = money(node, reading)?;
    let kind = reading.choice(node, kinds).unwrap_or(default_kind);
    Some(Amount { amount, currency, kind, limit: reading.choice(node, &AMOUNT_LIMIT) })
}

/// An amount and its currency.
fn money(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<(String, String)> {
    let text = reading.text(node)?;
    let Some(amount) = decimal(&text) else {
        reading.warn(
            "price-unreadable",
            node.path.clone(),
            format!("`{}` is not an amount and is dropped", excerpt(&text)),
        );
        return None;
    };
    // A balance of 0 is an answer: the car is paid off. Any other amount of 0 is an empty field.
    if node.name() != "balance" && amount.chars().all(|c| matches!(c, '0' | '.')) {
        reading.placeholder(node, &text);
        return None;
    }
    if amount != text {
        let message = format!("`{}` is read as {amount}; ADF allows only digits and a decimal point", excerpt(&text));
        reading.warn("number-format", node.path.clone(), message);
    }
    let default = &reading.options.config.default_currency;
    let currency = match node.attribute("currency") {
        None => default.clone(),
        Some(code) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            code.to_ascii_uppercase()
        }
        Some(code) => {
            let message = format!("`{}` is not an ISO 4217 currency; {default} is used", excerpt(code));
            let default = default.clone();
            reading.warn("attribute-value", node.at("currency"), message);
            default
        }
    };
    Some((amount, currency))
}

/// A plain decimal number from `$23,999.00`, `23 999,00 USD` and the like; `None` if that requires guessing.
fn decimal(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_alphabetic() || c.is_whitespace() || matches!(c, '$' | '€' | '£'));
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest.trim_start_matches('$')),
        None => ("", text),
    };
    let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
    if !digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        || !digits.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let (whole, fraction) = match (digits.rfind('.'), digits.rfind(',')) {
        (Some(point), Some(comma)) if point > comma => split(&digits, point)?,
        (Some(_), Some(comma)) => split(&digits, comma)?,
        (Some(point), None) => split(&digits, point)?,
        // `23,999` groups thousands; `23,99` can only be a decimal comma.
        (None, Some(comma)) if digits.len() - comma != 4 => split(&digits, comma)?,
        (None, _) => (digits.as_str(), ""),
    };
    let whole = ungroup(whole)?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || whole.len() > 15 || fraction.len() > 6 {
        return None;
    }
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

fn split(digits: &str, at: usize) -> Option<(&str, &str)> {
    Some((digits.get(..at)?, digits.get(at + 1..)?))
}

/// Removes thousands separators; `None` if a group does not have three digits.
fn ungroup(whole: &str) -> Option<String> {
    let mut groups = whole.split(['.', ',']);
    let first = groups.next()?;
    let mut out = first.to_owned();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        out.push_str(group);
    }
    Some(if out.is_empty() { "0".to_owned() } else { out })
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn amounts_are_parsed_without_guessing() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(decimal(text).as_deref(), expected, "{text}");
        check("23999.00", Some("23999.00"));
        check("23999", Some("23999"));
        check("$23,999.00", Some("23999.00"));
        check("1,234,567", Some("1234567"));
        check("23.999,50 EUR", Some("23999.50"));
        check("23 999,5", Some("23999.5"));
        check("-500", Some("-500"));
        check(".5", Some("0.5"));
        check("Call", None);
        check("20k-25k", None);
        check("1.2.3", None);
        check("1,23,456", None);
        check("", None);
        check("9999999999999999", None);
    }
}
