//! Which requests read a profile's registers: neighbours are merged, nothing else is touched.

use crate::register::{Function, Register};

/// One request: `count` addresses from `address`, and the registers that are found in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The reading function.
    pub function: Function,
    /// First address.
    pub address: u16,
    /// Number of addresses, 1 to 125.
    pub count: u16,
    /// Indexes into the profile's registers; never empty.
    pub registers: Vec<usize>,
}

impl Block {
    /// Returns the words of a register inside the answer to this block.
    #[must_use]
    pub fn words_of<'w>(&self, register: &Register, words: &'w [u16]) -> &'w [u16] {
        let start = usize::from(register.address.saturating_sub(self.address));
        let end = start + usize::from(register.words());
        words.get(start..end).unwrap_or_default()
    }

    /// Returns one block for each of its registers: a device that refuses the whole may still
    /// answer the parts, and the refusal then names the one wrong address.
    #[must_use]
    pub fn split(&self, registers: &[Register]) -> Vec<Self> {
        let parts = self.registers.iter();
        parts
            .filter_map(|index| registers.get(*index).map(|register| (*index, register)))
            .map(|(index, register)| single(index, register))
            .collect()
    }
}

/// Plans the requests that read all registers.
///
/// A request has at most `max_registers` addresses and reads across at most `gap` addresses that
/// no register names; with `gap` 0 nothing is read that the profile does not name. Order: by
/// function, then by address. Cost: `O(n log n)`.
#[must_use]
pub fn plan(registers: &[Register], max_registers: u16, gap: u16) -> Vec<Block> {
    let mut order: Vec<(usize, &Register)> = registers.iter().enumerate().collect();
    order.sort_by_key(|(_, register)| (register.function, register.address));
    let mut blocks: Vec<Block> = Vec::new();
    for (index, register) in order {
        match blocks.last_mut() {
            Some(block) if joins(block, register, max_registers, gap) => {
                block.count = block.count.max(end(register) - block.address);
                block.registers.push(index);
            }
            _ => blocks.push(single(index, register)),
        }
    }
    blocks
}

fn joins(block: &Block, register: &Register, max_registers: u16, gap: u16) -> bool {
    let block_end = block.address + block.count;
    block.function == register.function
        && register.address <= block_end.saturating_add(gap)
        && end(register) - block.address <= max_registers.max(block.count)
}

/// First address after the register. A profile's registers end at 65,535 at the latest.
fn end(register: &Register) -> u16 {
    register.address.saturating_add(register.words())
}

fn single(index: usize, register: &Register) -> Block {
    Block {
        function: register.function,
        address: register.address,
        count: register.words(),
        registers: vec![index],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::{Kind, Order};
    use proptest::prelude::*;
    use wire::ChannelName;

    fn register(function: i64, address: u16, kind: Kind) -> Register {
        Register {
            channel: ChannelName::parse("x").unwrap(),
            function: Function::from_code(function).unwrap(),
            address,
            kind,
            order: Order::Abcd,
            scale: 1.0,
            offset: 0.0,
            unit: String::new(),
            not_a_value: Vec::new(),
            min: None,
            max: None,
            source: String::new(),
        }
    }

    fn shape(blocks: &[Block]) -> Vec<(u8, u16, u16)> {
        let shapes = blocks.iter();
        shapes
            .map(|block| (block.function.code(), block.address, block.count))
            .collect()
    }

    #[test]
    fn neighbours_are_merged_across_the_permitted_gap_only() {
        let registers = [
            register(4, 0x0C, Kind::F32),
            register(4, 0, Kind::F32),
            register(4, 6, Kind::F32),
            register(4, 0x46, Kind::F32),
            register(4, 0x48, Kind::F32),
            register(3, 0, Kind::U16),
        ];
        let tight = plan(&registers, 125, 0);
        assert_eq!(
            shape(&tight),
            [(3, 0, 1), (4, 0, 2), (4, 6, 2), (4, 0x0C, 2), (4, 0x46, 4)]
        );
        let wide = plan(&registers, 125, 4);
        assert_eq!(shape(&wide), [(3, 0, 1), (4, 0, 14), (4, 0x46, 4)]);
        let small = plan(&registers, 8, 4);
        assert_eq!(
            shape(&small),
            [(3, 0, 1), (4, 0, 8), (4, 0x0C, 2), (4, 0x46, 4)]
        );
        assert_eq!(
            shape(&tight[4].split(&registers)),
            [(4, 0x46, 2), (4, 0x48, 2)]
        );
    }

    #[test]
    fn bits_of_one_register_share_a_request() {
        let registers = [register(3, 7, Kind::Bit(0)), register(3, 7, Kind::Bit(5))];
        assert_eq!(shape(&plan(&registers, 125, 0)), [(3, 7, 1)]);
    }

    proptest! {
        #[test]
        fn each_register_is_in_one_block_that_covers_it_and_no_stranger_is_read(
            places in prop::collection::vec((1..=4_i64, 0..60_u16, prop::bool::ANY), 1..20),
            max in 2..20_u16,
        ) {
            let registers: Vec<Register> = places
                .iter()
                .map(|(function, address, wide)| {
                    let kind = if *wide && *function > 2 { Kind::U32 } else { Kind::U16 };
                    register(*function, *address, kind)
                })
                .collect();
            let blocks = plan(&registers, max, 0);
            for (index, one) in registers.iter().enumerate() {
                let homes: Vec<&Block> =
                    blocks.iter().filter(|block| block.registers.contains(&index)).collect();
                prop_assert_eq!(homes.len(), 1);
                prop_assert_eq!(homes[0].function, one.function);
                prop_assert!(homes[0].address <= one.address);
                prop_assert!(end(one) <= homes[0].address + homes[0].count);
            }
            for block in &blocks {
                prop_assert!(block.count <= max);
                for address in block.address..block.address + block.count {
                    let named = registers.iter().any(|one| {
                        one.function == block.function && (one.address..end(one)).contains(&address)
                    });
                    prop_assert!(named);
                }
            }
        }
    }
}
