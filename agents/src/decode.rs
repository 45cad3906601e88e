//! The answer to one request becomes the values of its registers. Pure and total.

use wire::Quality;

use crate::plan::Block;
use crate::register::Register;

/// A value in the unit of its channel, or why there is none.
pub(crate) type Value = Result<f64, Quality>;

/// Fills in the values of the block's registers; the others stay as they are.
///
/// Shape: `values` has one place for each of `registers`.
pub(crate) fn decode(
    block: &Block,
    registers: &[Register],
    answer: Result<&[u16], Quality>,
    values: &mut [Value],
) {
    for index in &block.registers {
        if let (Some(register), Some(value)) = (registers.get(*index), values.get_mut(*index)) {
            *value = answer.and_then(|words| register.decode(block.words_of(register, words)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profiles;

    #[test]
    fn a_short_answer_is_nonsense_for_what_is_missing_only() {
        let profile = Profiles::built_in().get("pzem017").unwrap();
        let mut values = vec![Err(Quality::Link); profile.registers.len()];
        let words = [1207, 420, 0];
        decode(
            &profile.blocks[0],
            &profile.registers,
            Ok(&words),
            &mut values,
        );
        assert_eq!(values[..3], [Ok(12.07), Ok(4.2), Err(Quality::Nonsense)]);
        decode(
            &profile.blocks[0],
            &profile.registers,
            Err(Quality::Timeout),
            &mut values,
        );
        assert_eq!(values, [Err(Quality::Timeout); 6]);
    }
}
