//! The nearest or farthest matches of a search.

use std::cmp::Ordering;

/// Which matches come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Nearest,
    Farthest,
}

/// A match and its distance.
type Found<T> = (f64, f64, T);

fn compare<T>(one: &Found<T>, other: &Found<T>, direction: Direction) -> Ordering {
    // NaN is less than everything, as on servers.
    let ordering = one.0.partial_cmp(&other.0).unwrap_or(Ordering::Less);
    if direction == Direction::Nearest { ordering } else { ordering.reverse() }
}

/// Sorts until the first `count` are those of the sorted order.
///
/// The algorithm decides which of several matches at the same distance are among them, so it is that of the servers:
/// the quicksort of Bentley and `McIlroy`, "Engineering a Sort Function" (1993), which skips the partitions after the
/// first `count`.
pub(super) fn nearest_first<T>(found: &mut [Found<T>], count: usize, direction: Direction) {
    let mut todo = Vec::from([(0, found.len())]);
    while let Some((start, end)) = todo.pop() {
        let Some(part) = found.get_mut(start..end) else { continue };
        let length = part.len();
        let Some((equal_below, below, above, equal_above)) = partition(part, direction) else { continue };
        let (lower, upper) = (below - equal_below, equal_above - above);
        // Move those equal to the pivot, which are at both ends, to the middle.
        let moved = equal_below.min(lower);
        swap_ranges(part, 0, below - moved, moved);
        let moved = upper.min(length - equal_above - 1);
        swap_ranges(part, below, length - moved, moved);
        if upper > 1 && start + length - upper < count {
            todo.push((start + length - upper, start + length));
        }
        if lower > 1 && start < count {
            todo.push((start, start + lower));
        }
    }
}

/// Brings what is lower than a pivot to the front and what is higher to the back; what is equal, to both ends. The ends
/// of the equal and of the lower ones, and the last places of the higher and the others before the equal ones, are
/// returned; `None` if so few were sorted at once.
fn partition<T>(part: &mut [Found<T>], direction: Direction) -> Option<(usize, usize, usize, usize)> {
    let length = part.len();
    if length < 7 {
        for end in 1..length {
            let mut place = end;
            while place > 0 && order(part, place - 1, place, direction).is_gt() {
                part.swap(place, place - 1);
                place -= 1;
            }
        }
        return None;
    }
    part.swap(0, pivot(part, direction));
    let (mut equal_below, mut below) = (1, 1);
    let (mut above, mut equal_above) = (length - 1, length - 1);
    loop {
        while below <= above {
            match order(part, below, 0, direction) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    part.swap(equal_below, below);
                    equal_below += 1;
                }
                Ordering::Less => {}
            }
            below += 1;
        }
        while below <= above {
            match order(part, above, 0, direction) {
                Ordering::Less => break,
                Ordering::Equal => {
                    part.swap(above, equal_above);
                    equal_above -= 1;
                }
                Ordering::Greater => {}
            }
            above -= 1;
        }
        if below > above {
            return Some((equal_below, below, above, equal_above));
        }
        part.swap(below, above);
        below += 1;
        above -= 1;
    }
}

fn order<T>(part: &[Found<T>], one: usize, other: usize, direction: Direction) -> Ordering {
    match (part.get(one), part.get(other)) {
        (Some(one), Some(other)) => compare(one, other, direction),
        _ => Ordering::Equal,
    }
}

/// The place of what is probably near the middle: of three, or of three times three.
fn pivot<T>(part: &[Found<T>], direction: Direction) -> usize {
    let length = part.len();
    let (mut first, mut middle, mut last) = (0, length / 2, length - 1);
    if length > 7 {
        if length > 40 {
            let eighth = length / 8;
            first = median(part, [first, first + eighth, first + 2 * eighth], direction);
            middle = median(part, [middle - eighth, middle, middle + eighth], direction);
            last = median(part, [last - 2 * eighth, last - eighth, last], direction);
        }
        middle = median(part, [first, middle, last], direction);
    }
    middle
}

fn median<T>(part: &[Found<T>], [one, two, three]: [usize; 3], direction: Direction) -> usize {
    let order = |left, right| order(part, left, right, direction);
    if order(one, two).is_lt() {
        if order(two, three).is_lt() {
            two
        } else if order(one, three).is_lt() {
            three
        } else {
            one
        }
    } else if order(two, three).is_gt() {
        two
    } else if order(one, three).is_lt() {
        one
    } else {
        three
    }
}

fn swap_ranges<T>(part: &mut [Found<T>], one: usize, other: usize, count: usize) {
    for offset in 0..count {
        part.swap(one + offset, other + offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_are_those_of_a_whole_sort(
            distances in prop::collection::vec(0..60_u8, 0..200), count in 0..220_usize,
        ) {
            for direction in [Direction::Nearest, Direction::Farthest] {
                let mut found: Vec<_> =
                    distances.iter().enumerate().map(|(index, distance)| (f64::from(*distance), 0.0, index)).collect();
                let mut sorted = distances.clone();
                sorted.sort_unstable();
                if direction == Direction::Farthest {
                    sorted.reverse();
                }
                nearest_first(&mut found, count, direction);
                let first: Vec<f64> = found.iter().take(count).map(|(distance, ..)| *distance).collect();
                let expected: Vec<f64> = sorted.iter().take(count).map(|distance| f64::from(*distance)).collect();
                prop_assert_eq!(first, expected);
                let mut indexes: Vec<usize> = found.iter().map(|(.., index)| *index).collect();
                indexes.sort_unstable();
                prop_assert!(indexes.into_iter().eq(0..distances.len()));
            }
        }
    }

    #[test]
    fn equal_ones_and_sorted_ones_end_soon() {
        for distance in [|_| 1.0, |number| f64::from(number), |number| -f64::from(number)] {
            let mut found: Vec<_> = (0..20_000).map(|number| (distance(number), 0.0, number)).collect();
            nearest_first(&mut found, 10_000, Direction::Nearest);
            assert!(found.iter().take(10_000).is_sorted_by_key(|(distance, ..)| *distance));
        }
    }
}
