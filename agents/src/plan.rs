//! Which requests read a profile's registers: as few as the device's limits allow, and nothing that
//! the profile forbids.
//!
//! What comes in: registers and [`ReadLimits`]. What goes out: [`Block`]s, one request each. Pure.

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
    /// Indexes into the registers that were planned; never empty.
    pub registers: Vec<usize>,
}

/// Addresses of one function that a device does not have: reading across them is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmapped {
    /// The function.
    pub function: Function,
    /// First address.
    pub first: u16,
    /// Last address, not before the first.
    pub last: u16,
}

/// What one request to a device may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLimits {
    /// Most addresses, 1 to 125.
    pub max_registers: u16,
    /// Most addresses in a row that are read although no register names them; 0 reads no stranger.
    pub gap: u16,
    /// What is never read, whatever the gap.
    pub unmapped: Vec<Unmapped>,
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
    pub fn split<'r>(&self, register: impl Fn(usize) -> Option<&'r Register>) -> Vec<Self> {
        let parts = self.registers.iter();
        parts
            .filter_map(|index| register(*index).map(|register| (*index, register)))
            .map(|(index, register)| single(index, register))
            .collect()
    }
}

/// Plans the fewest requests that read all registers within the limits.
///
/// Order: by function, then by address. A register that is larger than `max_registers` has a
/// request of its own. Cost: `O(n log n + n u)` for `u` unmapped ranges.
///
/// Why taking neighbours as long as they fit gives the fewest: a request must reach the first
/// register that is still unread, and begins there at the best. A later register that would fit
/// where an earlier one does not lies inside of the earlier one, so it comes with it for nothing.
#[must_use]
pub fn plan(registers: &[Register], limits: &ReadLimits) -> Vec<Block> {
    let mut order: Vec<(usize, &Register)> = registers.iter().enumerate().collect();
    order.sort_by_key(|(_, register)| (register.function, register.address, end(register)));
    let mut blocks: Vec<Block> = Vec::new();
    for (index, register) in order {
        match blocks.last_mut() {
            Some(block) if joins(block, register, limits) => {
                block.count = block.count.max(end(register) - block.address);
                block.registers.push(index);
            }
            _ => blocks.push(single(index, register)),
        }
    }
    blocks
}

fn joins(block: &Block, register: &Register, limits: &ReadLimits) -> bool {
    let block_end = block.address + block.count;
    // What lies between belongs to nobody: everything before is in this block or an earlier one.
    let is_between = |hole: &Unmapped| {
        let (first, last) = (hole.first.max(block_end), hole.last);
        first < register.address && first <= last
    };
    let mut holes = limits.unmapped.iter();
    block.function == register.function
        && register.address <= block_end.saturating_add(limits.gap)
        && end(register) - block.address <= limits.max_registers.max(block.count)
        && !holes.any(|hole| hole.function == block.function && is_between(hole))
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
#[path = "plan/tests.rs"]
mod tests;
