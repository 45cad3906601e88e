//! `ortoo`.

fn main() {}
