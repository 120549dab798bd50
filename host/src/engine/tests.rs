//! The engine over the real store, everything else simulated.
