//! Normal forms: the one spelling of a phone number, e-mail address, name, postal address or VIN that records are compared
//! by, and the lists of values that never identify a person. Pure functions: no state, no events, no config.

pub mod address;
pub mod email;
pub mod fold;
pub mod name;
pub mod nickname;
pub mod phone;
pub mod vin;
