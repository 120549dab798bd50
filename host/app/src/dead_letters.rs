//! Dead letters: list them, deliver them again, or discard them, by id or by installation and failure code.

mod discard;
mod list;
mod redrive;
mod settle;
