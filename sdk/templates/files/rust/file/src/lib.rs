//! Reads parts lists that are dropped as CSV files, and emits one event for each part.

use handoff_sdk::{Context, Event, Failure, NewEvent};
use serde::{Deserialize, Serialize};

/// The installation's config. A field that is missing or misspelt is found before the installation becomes active.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The character between two columns.
    #[serde(default = "comma")]
    pub separator: char,
}

/// The data of `com.example.part.listed.v1`.
#[derive(Serialize)]
struct Part<'a> {
    number: &'a str,
    quantity: u32,
}

pub struct Connector;

impl handoff_sdk::Connector for Connector {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        let text = std::str::from_utf8(&event.data)
            .map_err(|_| Failure::reject("not-text", "the file is not UTF-8 text; expected number and quantity in each line"))?;
        // One bad line rejects the whole file: nothing of it is emitted, and people see the dead letter.
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let part = part(line, cx.config().separator).ok_or_else(|| {
                Failure::reject("bad-line", format!("line {}: expected a number and a quantity", index + 1))
            })?;
            cx.emit(NewEvent::json("com.example.part.listed.v1", &part)?.partition_key(part.number))?;
        }
        Ok(())
    }
}

/// A line such as `11-4711,12`.
fn part(line: &str, separator: char) -> Option<Part<'_>> {
    let (number, quantity) = line.split_once(separator)?;
    let number = Some(number.trim()).filter(|number| !number.is_empty())?;
    Some(Part { number, quantity: quantity.trim().parse().ok()? })
}

fn comma() -> char {
    ','
}

handoff_sdk::export!(Connector);
