//! What a message and a mapping may be at most. All are checked before anything is made of them.

use super::outcome::Why;

/// Most bytes of a payload. A device's status is a few hundred, a Telegraf batch some ten thousand.
pub const PAYLOAD_BYTES_MAX: usize = 128 * 1024;

/// Most levels of arrays and objects in a payload.
pub(super) const DEPTH_MAX: usize = 24;

/// Most readings that one message may give one mapping; more, and none is taken.
pub const VALUES_OF_MESSAGE_MAX: usize = 4_096;

/// Most values that are looked for in one message, by all mappings together, found or not: one message
/// holds up all others while it is read.
pub(super) const LOOKS_OF_MESSAGE_MAX: usize = 4 * VALUES_OF_MESSAGE_MAX;

/// Most values that a mapping names.
pub const VALUES_MAX: usize = 64;

/// Most bytes of a JSON pointer.
pub const POINTER_BYTES_MAX: usize = 256;

/// Most devices that a mapping names with their instruments.
pub const DEVICES_MAX: usize = 500;

/// Most words with a meaning, in one value or one presence.
pub(super) const WORDS_MAX: usize = 32;

/// Most bytes of one such word.
pub(super) const WORD_BYTES_MAX: usize = 64;

/// Most mappings of one lab.
pub const MAPPINGS_OF_LAB_MAX: usize = 500;

/// Most foreign sources of one lab.
pub const SOURCES_OF_LAB_MAX: usize = 50;

/// Checks size and depth of a payload without building anything of it. What is not JSON has a depth
/// too, which harms nobody.
pub(super) fn check_payload(payload: &[u8]) -> Result<(), Why> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(Why::TooLarge);
    }
    let (mut depth, mut in_text, mut is_escaped) = (0usize, false, false);
    for byte in payload {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(Why::TooDeep);
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}
