//! When keys expire, and when they were first written: kept beside the entries, so that those are small.

use crate::value::table::Ranks;

/// The expiries of those keys that have one, each in a slot.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    /// The expiry of a slot, or in a free one the slot that is free next.
    times: Vec<i64>,
    /// The slot that is taken next.
    free: Option<Slot>,
    /// How many slots are taken.
    taken: u32,
}

/// A place in [`Expiries`]; never 0, so that having none takes nothing.
pub(super) type Slot = std::num::NonZero<u32>;

/// What servers take for no expiry, too: `PEXPIREAT key -1` leaves a key without one while they load.
const NEVER: i64 = -1;

impl Expiries {
    fn place(&mut self, slot: Slot) -> Option<&mut i64> {
        self.times.get_mut(slot.get() as usize - 1)
    }

    /// What is in a slot.
    #[inline]
    pub(super) fn get(&self, slot: Option<Slot>) -> Option<i64> {
        self.times.get(slot?.get() as usize - 1).copied()
    }

    /// Gives a key another expiry, or none, and with that a slot or none.
    #[inline]
    pub(super) fn set(&mut self, slot: &mut Option<Slot>, expiry: Option<i64>) {
        match (*slot, expiry.filter(|expiry| *expiry != NEVER)) {
            (None, None) => {}
            (None, Some(expiry)) => *slot = self.take_slot(expiry),
            (Some(taken), Some(expiry)) => {
                if let Some(place) = self.place(taken) {
                    *place = expiry;
                }
            }
            (Some(taken), None) => {
                self.release(taken);
                *slot = None;
            }
        }
    }

    fn take_slot(&mut self, expiry: i64) -> Option<Slot> {
        let slot = if let Some(free) = self.free {
            let next = self.place(free).map(|place| std::mem::replace(place, expiry));
            self.free = next.and_then(|next| u32::try_from(next).ok()).and_then(Slot::new);
            free
        } else {
            if self.times.len() == self.times.capacity() {
                self.times.reserve_exact((self.times.len() / 4).max(16));
            }
            // There are no more of them than entries, whose indexes are as large.
            let slot = Slot::new(u32::try_from(self.times.len() + 1).ok()?)?;
            self.times.push(expiry);
            slot
        };
        self.taken += 1;
        Some(slot)
    }

    fn release(&mut self, slot: Slot) {
        self.taken -= 1;
        if self.taken == 0 {
            *self = Self::default();
            return;
        }
        let next = self.free.map_or(0, |free| free.get().into());
        if let Some(place) = self.place(slot) {
            *place = next;
            self.free = Some(slot);
        }
    }
}

/// The upper halves of numbers of which each entry has the lower one: few, as neighbours mostly have the same.
#[derive(Debug, Default)]
pub(super) struct UpperHalves {
    /// From which entry on, and what, each another than the one before; 0 is before the first.
    changes: Vec<(u32, u32)>,
}

impl UpperHalves {
    /// Notes that of an entry after all others, and returns the lower half.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    pub(super) fn note(&mut self, index: u32, number: u64) -> u32 {
        let upper = (number >> 32) as u32;
        if upper != self.last() {
            self.changes.push((index, upper));
        }
        number as u32
    }

    /// Follows the entries to the indexes that they have after gaps were closed.
    pub(super) fn close_gaps(&mut self, ranks: &Ranks) {
        for (from, upper) in std::mem::take(&mut self.changes) {
            let from = ranks.before(from);
            self.changes.pop_if(|(last, _)| *last == from);
            if upper != self.last() {
                self.changes.push((from, upper));
            }
        }
    }

    fn last(&self) -> u32 {
        self.changes.last().map_or(0, |(_, upper)| *upper)
    }

    /// The number of an entry.
    pub(super) fn number(&self, index: u32, lower: u32) -> u64 {
        let after = self.changes.partition_point(|(from, _)| *from <= index);
        let upper = after.checked_sub(1).and_then(|last| self.changes.get(last)).map_or(0, |(_, upper)| *upper);
        u64::from(upper) << 32 | u64::from(lower)
    }

    /// Gives the numbers of entries in order of their indexes.
    pub(super) fn numbers(&self) -> Numbers<'_> {
        Numbers { changes: self.changes.iter(), upper: 0 }
    }
}

/// The numbers of entries whose indexes follow each other, not each of them.
#[derive(Debug, Clone)]
pub(super) struct Numbers<'t> {
    changes: std::slice::Iter<'t, (u32, u32)>,
    upper: u32,
}

impl Numbers<'_> {
    /// The number of an entry.
    #[inline]
    pub(super) fn of(&mut self, index: u32, lower: u32) -> u64 {
        while let Some((_, next)) = self.changes.as_slice().first().filter(|(from, _)| *from <= index) {
            self.upper = *next;
            self.changes.next();
        }
        u64::from(self.upper) << 32 | u64::from(lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slots_hold_the_expiry_that_was_set_last(
            steps in prop::collection::vec((0..40_usize, prop::option::of(-2..100_i64)), 0..400),
        ) {
            let mut expiries = Expiries::default();
            let mut slots = vec![None; 40];
            let mut model = vec![None; 40];
            for (key, expiry) in steps {
                expiries.set(&mut slots[key], expiry);
                model[key] = expiry.filter(|expiry| *expiry != -1);
                let held: Vec<_> = slots.iter().map(|slot| expiries.get(*slot)).collect();
                prop_assert_eq!(&held, &model);
                prop_assert!(expiries.times.len() <= 40);
            }
            for mut slot in slots {
                expiries.set(&mut slot, None);
            }
            prop_assert_eq!(expiries.times.capacity(), 0);
        }

        #[test]
        fn numbers_are_made_of_their_halves(
            numbers in prop::collection::vec(prop_oneof![0..9_u64, 1_u64 << 31..1 << 34, 0..u64::MAX / 2], 0..60),
        ) {
            let mut upper = UpperHalves::default();
            let lower: Vec<u32> = (0..).zip(&numbers).map(|(index, number)| upper.note(index, *number)).collect();
            let mut next = upper.numbers();
            for ((index, lower), number) in (0..).zip(lower).zip(numbers) {
                prop_assert_eq!(upper.number(index, lower), number);
                if index % 3 != 0 {
                    prop_assert_eq!(next.of(index, lower), number);
                }
            }
        }
    }
}
