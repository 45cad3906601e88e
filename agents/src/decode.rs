//! The answers to a poll become the values of its channels. Pure and total.
//!
//! Two steps, because a transformer ratio may come with another answer than what it applies to:
//! [`note`] takes the numbers out of each answer, [`values`] makes them values at the end.

use wire::Quality;

use crate::plan::Block;
use crate::profile::Profile;

/// A value in the unit of its channel, or why there is none.
pub(crate) type Value = Result<f64, Quality>;

/// Notes the numbers of the block's registers; the others stay as they are.
///
/// Shape: `numbers` has one place for each register, then one for each ratio of the profile.
pub(crate) fn note(
    block: &Block,
    profile: &Profile,
    answer: Result<&[u16], Quality>,
    numbers: &mut [Value],
) {
    for index in &block.registers {
        if let (Some(register), Some(number)) = (profile.read(*index), numbers.get_mut(*index)) {
            *number = answer.and_then(|words| register.raw_number(block.words_of(register, words)));
        }
    }
}

/// Returns the values of all registers; one whose ratio is missing has the ratio's reason.
///
/// Shape: `numbers` as in [`note`]; one value for each register.
pub(crate) fn values(profile: &Profile, numbers: &[Value]) -> Vec<Value> {
    let registers = profile.registers.iter().zip(numbers);
    registers
        .map(|(register, number)| {
            let number = (*number)?;
            register.value(number, ratio(profile, &register.ratios, numbers)?)
        })
        .collect()
}

/// Returns the product of these ratios of the profile; each must be more than 0.
pub(crate) fn ratio(profile: &Profile, indexes: &[usize], numbers: &[Value]) -> Value {
    let mut product = 1.0;
    for index in indexes {
        let place = profile.registers.len() + index;
        let number = numbers.get(place).copied().unwrap_or(Err(Quality::Other))?;
        let ratio = profile.ratios.get(*index).ok_or(Quality::Other)?;
        product *= ratio.value(number, 1.0)?;
    }
    Ok(product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profiles;

    #[test]
    fn a_short_answer_is_nonsense_for_what_is_missing_only() {
        let profile = Profiles::built_in().get("pzem017").unwrap();
        let mut numbers = vec![Err(Quality::Link); profile.registers.len()];
        let words = [1207, 420, 0];
        note(&profile.blocks[0], &profile, Ok(&words), &mut numbers);
        let found = values(&profile, &numbers);
        assert_eq!(found[..3], [Ok(12.07), Ok(4.2), Err(Quality::Nonsense)]);
        let silence = Err(Quality::Timeout);
        note(&profile.blocks[0], &profile, silence, &mut numbers);
        assert_eq!(values(&profile, &numbers), [Err(Quality::Timeout); 6]);
    }

    #[test]
    fn a_missing_ratio_spoils_what_it_applies_to_and_nothing_else() {
        let text = "title = \"t\"\n[[ratio]]\nname = \"ct\"\nfunction = 3\naddress = 9\ntype = \"u16\"\n\
                    [[register]]\nchannel = \"a\"\nfunction = 3\naddress = 0\ntype = \"u16\"\n\
                    scale = 0.01\nratios = [\"ct\"]\n\
                    [[register]]\nchannel = \"b\"\nfunction = 3\naddress = 1\ntype = \"u16\"\n";
        let profile = Profile::parse("t", "t", text).unwrap();
        let decoded = |ct: Value| values(&profile, &[Ok(125.0), Ok(7.0), ct]);
        assert_eq!(decoded(Ok(40.0)), [Ok(50.0), Ok(7.0)]);
        assert_eq!(
            decoded(Err(Quality::Timeout)),
            [Err(Quality::Timeout), Ok(7.0)]
        );
        // A ratio of 0 would turn every load into nothing.
        assert_eq!(decoded(Ok(0.0)), [Err(Quality::OutOfRange), Ok(7.0)]);
    }
}
