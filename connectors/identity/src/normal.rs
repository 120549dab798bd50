//! Normal forms of phone numbers, e-mail addresses, names, postal addresses and VINs, by which records are compared,
//! and the lists of values that never identify a person. Pure functions: no state, no events, no config.

pub mod address;
pub mod email;
pub mod fold;
pub mod name;
pub mod nickname;
pub mod phone;
pub mod vin;
