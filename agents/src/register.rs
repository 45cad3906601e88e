//! A register of a device: where it stands, how its bits make a number, what the number means.
//!
//! What comes in: 16-bit words as a device sent them. What goes out: a finite number in the
//! channel's unit, or the reason why there is none. Pure; deliberately not here: sockets and time.

use wire::{ChannelName, Quality};

/// The four reading functions of Modbus, and no others: what is not here cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Function 1, one bit an address, may be written by others.
    Coils,
    /// Function 2, one bit an address, read only.
    DiscreteInputs,
    /// Function 3, 16 bits an address, may be written by others.
    HoldingRegisters,
    /// Function 4, 16 bits an address, read only.
    InputRegisters,
}

impl Function {
    /// Returns the function of this Modbus number, 1 to 4.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Coils),
            2 => Some(Self::DiscreteInputs),
            3 => Some(Self::HoldingRegisters),
            4 => Some(Self::InputRegisters),
            _ => None,
        }
    }

    /// Returns the Modbus number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Coils => 1,
            Self::DiscreteInputs => 2,
            Self::HoldingRegisters => 3,
            Self::InputRegisters => 4,
        }
    }

    /// Returns true if an address holds one bit instead of 16.
    #[must_use]
    pub fn is_bits(self) -> bool {
        matches!(self, Self::Coils | Self::DiscreteInputs)
    }
}

/// How the bits make a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One bit of a register, counted from 0 at the least significant; a coil is its bit 0.
    Bit(u8),
    /// 16 bits, from 0.
    U16,
    /// 16 bits, two's complement.
    I16,
    /// 32 bits, from 0.
    U32,
    /// 32 bits, two's complement.
    I32,
    /// 64 bits, from 0.
    U64,
    /// 64 bits, two's complement.
    I64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

/// The order of bytes on the wire; A is the most significant byte of a 32-bit number.
///
/// The first pair of letters tells which word comes first, the order inside a pair whether the
/// bytes of a word are swapped. 16-bit kinds look only at the latter, 64-bit kinds reverse all four
/// words where 32-bit kinds reverse two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// High word first, high byte first: what Modbus itself prescribes for one register.
    Abcd,
    /// Low word first, high byte first ("word swapped").
    Cdab,
    /// High word first, low byte first ("byte swapped").
    Badc,
    /// Low word first, low byte first (little-endian).
    Dcba,
}

impl Order {
    /// Parses `ABCD`, `CDAB`, `BADC` or `DCBA`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ABCD" => Some(Self::Abcd),
            "CDAB" => Some(Self::Cdab),
            "BADC" => Some(Self::Badc),
            "DCBA" => Some(Self::Dcba),
            _ => None,
        }
    }

    fn is_low_word_first(self) -> bool {
        matches!(self, Self::Cdab | Self::Dcba)
    }

    fn is_byte_swapped(self) -> bool {
        matches!(self, Self::Badc | Self::Dcba)
    }
}

/// A register and its meaning: `value = number x scale + offset`, in `unit`.
#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    /// The channel it is reported as, unique in its profile.
    pub channel: ChannelName,
    /// The function that reads it.
    pub function: Function,
    /// Zero-based protocol address of its first word (or bit, for coils and discrete inputs).
    pub address: u16,
    /// How the bits make a number.
    pub kind: Kind,
    /// The order of words and bytes.
    pub order: Order,
    /// Factor; finite and not 0.
    pub scale: f64,
    /// Summand, in `unit`; finite.
    pub offset: f64,
    /// Unit of the value, at most 16 characters.
    pub unit: String,
    /// Bit patterns that mean "no value", after ordering, before scaling.
    pub not_a_value: Vec<u64>,
    /// The least value that can be true, in `unit`.
    pub min: Option<f64>,
    /// The greatest value that can be true, in `unit`.
    pub max: Option<f64>,
    /// A smaller magnitude is not believed unless it is 0: a binary32 whose words came in another
    /// order often is some 1e-23, which would be shown as 0.
    pub least: f64,
    /// Transformer ratios that the number is multiplied by, as indexes into
    /// [`Profile::ratios`](crate::profile::Profile::ratios).
    pub ratios: Vec<usize>,
    /// Where the address and the type are documented.
    pub source: String,
}

impl Register {
    /// Returns how many addresses it takes: 1, 2 or 4.
    #[must_use]
    pub fn words(&self) -> u16 {
        match self.kind {
            Kind::Bit(_) | Kind::U16 | Kind::I16 => 1,
            Kind::U32 | Kind::I32 | Kind::F32 => 2,
            Kind::U64 | Kind::I64 | Kind::F64 => 4,
        }
    }

    /// Converts words as they came into the value in `unit`, without transformer ratios.
    ///
    /// # Errors
    /// As [`Register::raw_number`] and [`Register::value`].
    pub fn decode(&self, words: &[u16]) -> Result<f64, Quality> {
        self.value(self.raw_number(words)?, 1.0)
    }

    /// Converts words as they came into the number that they stand for, before ratio and scale.
    ///
    /// Shape: exactly [`Register::words`] words. A binary32 becomes the shortest decimal that it
    /// stands for, so that 230.1 stays 230.1 and history compresses.
    ///
    /// # Errors
    /// [`Quality::Nonsense`] when the number of words is wrong, [`Quality::NotAValue`] for the
    /// patterns of the profile, NaN and infinity.
    pub fn raw_number(&self, words: &[u16]) -> Result<f64, Quality> {
        if words.len() != usize::from(self.words()) {
            return Err(Quality::Nonsense);
        }
        let raw = assemble(words, self.order);
        if self.not_a_value.contains(&raw) {
            return Err(Quality::NotAValue);
        }
        let number = self.number(raw);
        if number.is_finite() {
            Ok(number)
        } else {
            Err(Quality::NotAValue)
        }
    }

    /// Converts a number into the value in `unit`: `number x ratio x scale + offset`.
    ///
    /// Values of scaled integers are the nearest binary64 to the exact decimal, which is why the
    /// ratio, mostly a whole number, comes before the scale.
    ///
    /// # Errors
    /// [`Quality::NotAValue`] when the result is not finite, [`Quality::OutOfRange`] outside
    /// `min..=max` and below `least`.
    pub fn value(&self, number: f64, ratio: f64) -> Result<f64, Quality> {
        let value = self.scaled(number * ratio);
        if !value.is_finite() {
            return Err(Quality::NotAValue);
        }
        let low = self.min.is_some_and(|min| value < min);
        let high = self.max.is_some_and(|max| value > max);
        let tiny = value.abs() > 0.0 && value.abs() < self.least;
        if low || high || tiny {
            return Err(Quality::OutOfRange);
        }
        Ok(value)
    }

    /// Converts a value into words as the device would send them: the inverse of
    /// [`Register::decode`], used by the simulated device. Values beyond the kind saturate.
    #[must_use]
    pub fn encode(&self, value: f64) -> Vec<u16> {
        let number = (value - self.offset) / self.scale;
        let bits = match self.kind {
            Kind::Bit(bit) => u64::from(number >= 0.5) << bit,
            Kind::F32 => u64::from(narrow(number).to_bits()),
            Kind::F64 => number.to_bits(),
            Kind::U16 => whole(number, 0, i128::from(u16::MAX)),
            Kind::U32 => whole(number, 0, i128::from(u32::MAX)),
            Kind::U64 => whole(number, 0, i128::from(u64::MAX)),
            Kind::I16 => whole(number, i128::from(i16::MIN), i128::from(i16::MAX)) & 0xFFFF,
            Kind::I32 => whole(number, i128::from(i32::MIN), i128::from(i32::MAX)) & 0xFFFF_FFFF,
            Kind::I64 => whole(number, i128::from(i64::MIN), i128::from(i64::MAX)),
        };
        disassemble(bits, usize::from(self.words()), self.order)
    }

    /// Interprets the bits; NaN and infinity pass.
    fn number(&self, raw: u64) -> f64 {
        match self.kind {
            Kind::Bit(bit) => f64::from(u8::from(raw >> bit & 1 == 1)),
            Kind::U16 => f64::from(low_word(raw)),
            Kind::I16 => f64::from(low_word(raw).cast_signed()),
            Kind::U32 => f64::from(low_half(raw)),
            Kind::I32 => f64::from(low_half(raw).cast_signed()),
            Kind::U64 => nearest(i128::from(raw)),
            Kind::I64 => nearest(i128::from(raw.cast_signed())),
            Kind::F32 => shortest(f32::from_bits(low_half(raw))),
            Kind::F64 => f64::from_bits(raw),
        }
    }

    /// Applies scale and offset. A scale such as 0.1 has no exact binary form but its inverse has,
    /// and dividing by it rounds once: 2301 x 0.1 is 230.10000000000002, 2301 / 10 is 230.1.
    fn scaled(&self, number: f64) -> f64 {
        let inverse = (1.0 / self.scale).round();
        let is_inverse = inverse.abs() >= 2.0 && (inverse * self.scale - 1.0).abs() < 1e-12;
        let scaled = if is_inverse {
            number / inverse
        } else {
            number * self.scale
        };
        scaled + self.offset
    }
}

fn assemble(words: &[u16], order: Order) -> u64 {
    let fold = |bits: u64, word: &u16| {
        let word = if order.is_byte_swapped() {
            word.swap_bytes()
        } else {
            *word
        };
        bits << 16 | u64::from(word)
    };
    if order.is_low_word_first() {
        words.iter().rev().fold(0, fold)
    } else {
        words.iter().fold(0, fold)
    }
}

fn disassemble(bits: u64, words: usize, order: Order) -> Vec<u16> {
    let mut list: Vec<u16> = (0..words)
        .map(|index| {
            let word = low_word(bits >> (16 * index));
            if order.is_byte_swapped() {
                word.swap_bytes()
            } else {
                word
            }
        })
        .collect();
    if !order.is_low_word_first() {
        list.reverse();
    }
    list
}

fn low_word(raw: u64) -> u16 {
    u16::try_from(raw & 0xFFFF).expect("16 bits are left")
}

fn low_half(raw: u64) -> u32 {
    u32::try_from(raw & 0xFFFF_FFFF).expect("32 bits are left")
}

/// The decimal that a person would write for this binary32.
fn shortest(number: f32) -> f64 {
    if number.is_finite() {
        number.to_string().parse().expect("a printed float parses")
    } else {
        f64::from(number)
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a 64-bit counter above 2^53 loses its last digits in binary64, by at most 1 in 2^53"
)]
fn nearest(number: i128) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "a simulated meter has no more digits than binary32"
)]
fn narrow(number: f64) -> f32 {
    number as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "the number is rounded and clamped first; the last conversion keeps two's complement"
)]
fn whole(number: f64, min: i128, max: i128) -> u64 {
    (number.round() as i128).clamp(min, max) as u64
}

#[cfg(test)]
#[path = "register/tests.rs"]
mod tests;
