//! Passwords, secrets and their hashes.
