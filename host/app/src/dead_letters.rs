//! Dead letters: list them, deliver them again, or discard them, by id or by installation and failure code; and
//! make one of a waiting event.

mod causes;
mod discard;
mod list;
mod redrive;
mod resolve;
mod set_aside;
