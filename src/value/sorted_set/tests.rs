#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers, or any double will do"
)]

use super::*;
use proptest::prelude::*;

/// Scores and names, sorted anew whenever one is added.
#[derive(Debug, Default)]
struct Model(Vec<(f64, Vec<u8>)>);

impl Model {
    fn index(&self, name: &[u8]) -> Option<usize> {
        self.0.iter().position(|(_, held)| held == name)
    }

    fn insert(&mut self, name: &[u8], score: f64) -> Option<f64> {
        let old = self.remove(name);
        self.0.push((score, name.to_vec()));
        self.0.sort_by(|one, other| one.partial_cmp(other).unwrap());
        old
    }

    fn remove(&mut self, name: &[u8]) -> Option<f64> {
        self.index(name).map(|index| self.0.remove(index).0)
    }

    fn ranks(&self, inside: impl Fn(&(f64, Vec<u8>)) -> bool) -> Range<usize> {
        let from = self.0.iter().position(&inside).unwrap_or(0);
        from..from + self.0.iter().filter(|entry| inside(entry)).count()
    }

    fn assert_is(&self, set: &SortedSet<'_>) {
        assert_eq!((set.len(), set.is_empty()), (self.0.len(), self.0.is_empty()));
        let held: Vec<(f64, Vec<u8>)> = set.iter().map(|(name, score)| (score, name.to_vec())).collect();
        assert_eq!(held, self.0);
        let mut held: Vec<(f64, Vec<u8>)> =
            set.unordered().map(|(name, score)| (score, name.as_slice().to_vec())).collect();
        held.sort_by(|one, other| one.partial_cmp(other).unwrap());
        assert_eq!(held, self.0);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u16, i16),
    Remove(u16),
    ByRank(u16, u8),
    ByScore(i16, u8, bool, bool),
    Order,
}

fn steps(names: u16, length: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..names, -40..40_i16).prop_map(|(name, score)| Step::Insert(name, score)),
        3 => (0..names).prop_map(Step::Remove),
        1 => (0..names, 0..6_u8).prop_map(|(rank, count)| Step::ByRank(rank, count)),
        1 => (-40..40_i16, 0..3_u8, any::<bool>(), any::<bool>())
            .prop_map(|(min, width, open, closed)| Step::ByScore(min, width, open, closed)),
        1 => Just(Step::Order),
    ];
    prop::collection::vec(step, 0..length)
}

/// Names of which most are short, and some of a given length.
fn name(number: u16, longest: usize) -> Vec<u8> {
    let mut name = format!("{number}").into_bytes();
    if number.is_multiple_of(5) {
        name.resize(longest.max(name.len()), b'x');
    }
    name
}

fn scored(number: i16) -> f64 {
    match number {
        ..-35 => f64::NEG_INFINITY,
        36.. => f64::INFINITY,
        number if number % 3 == 0 => f64::from(number) / 7.0,
        number if number % 3 == 1 => f64::from(number) * 1e11,
        number => f64::from(number),
    }
}

fn run(steps: Vec<Step>, longest: usize) {
    let (mut set, mut model) = (SortedSet::default(), Model::default());
    for step in steps {
        match step {
            Step::Insert(number, score) => {
                let (name, score) = (name(number, longest), scored(score));
                let known = model.index(&name).map(|index| model.0[index].0);
                assert_eq!(set.score(&name), known);
                // What is decided against changes nothing, and neither does a failure.
                assert_eq!(
                    set.update(Bytes::copied(&name), |old| {
                        assert_eq!(old, known);
                        Err(())
                    }),
                    Err(())
                );
                assert_eq!(set.update(Bytes::copied(&name), |_| Ok::<_, ()>(None)), Ok(known));
                assert_eq!(set.insert(Bytes::copied(&name), score), model.insert(&name, score));
            }
            Step::Remove(number) => {
                let name = name(number, longest);
                assert_eq!(set.remove(&name), model.remove(&name));
            }
            Step::ByRank(from, count) => {
                let from = usize::from(from).min(model.0.len());
                let to = (from + usize::from(count)).min(model.0.len());
                let there: Vec<Vec<u8>> =
                    set.names_from(from).take(to - from).map(|(name, _)| name.as_slice().to_vec()).collect();
                assert_eq!(there, model.0.drain(from..to).map(|(_, name)| name).collect::<Vec<_>>());
                set.remove_ranks(from..to + 1000 * usize::from(to == model.0.len() + (to - from)));
            }
            Step::ByScore(min, width, min_excluded, max_excluded) => {
                let (min, max) = (f64::from(min), f64::from(min) + f64::from(width));
                let ranks = set.ranks_by_score(ScoreRange { min, min_excluded, max, max_excluded });
                let inside = |(score, _): &(f64, Vec<u8>)| {
                    (if min_excluded { *score > min } else { *score >= min })
                        && (if max_excluded { *score < max } else { *score <= max })
                };
                let expected = model.ranks(inside);
                assert_eq!(ranks.len(), expected.len());
                if !expected.is_empty() {
                    assert_eq!(ranks, expected);
                }
                set.remove_ranks(ranks);
                model.0.retain(|entry| !inside(entry));
            }
            Step::Order => {
                set.put_in_order();
                model.assert_is(&set);
            }
        }
    }
    model.assert_is(&set);
}

proptest! {
    #![proptest_config(crate::testing::cases(48))]

    #[test]
    fn a_small_set_is_what_the_model_is(steps in steps(60, 300)) {
        run(steps, 5);
    }

    #[test]
    fn a_small_set_of_longer_names_is_what_the_model_is(steps in steps(60, 300)) {
        run(steps, 40);
    }

    #[test]
    fn a_set_of_a_few_very_long_names_is_what_the_model_is(steps in steps(60, 300)) {
        run(steps, 65);
    }

    #[test]
    fn sets_that_outgrow_every_form_are_what_the_model_is(steps in steps(400, 1200), longest in 1..70_usize) {
        run(steps, longest);
    }

    #[test]
    fn scores_are_kept_to_the_bit(bits in any::<u64>(), whole in any::<i64>(), shift in 0..64) {
        for score in [f64::from_bits(bits), (whole >> shift) as f64, f64::from(bits as u32 as f32 / 8.0)] {
            if !score.is_nan() && score != 0.0 {
                let mut set = SortedSet::default();
                set.insert(Bytes::copied(b"one"), score);
                prop_assert_eq!(set.score(b"one").map(f64::to_bits), Some(score.to_bits()));
                prop_assert_eq!(set.iter().next().map(|(_, score)| score.to_bits()), Some(score.to_bits()));
            }
        }
    }

    #[test]
    fn names_of_one_score_are_found_by_name(
        names in prop::collection::btree_set("[a-d]{0,4}", 0..300),
        min in "[a-d]{0,4}", max in "[a-d]{0,4}", excluded in any::<(bool, bool)>(),
    ) {
        let mut set = SortedSet::default();
        for name in &names {
            set.insert(Bytes::copied(name.as_bytes()), 3.0);
        }
        let end = |name, excluded| if excluded { NameEnd::Excluded(name) } else { NameEnd::Included(name) };
        let ranks = set.ranks_by_name(end(min.as_bytes(), excluded.0), end(max.as_bytes(), excluded.1));
        let is_after_min = |name: &String| *name > min || !excluded.0 && *name == min;
        let is_before_max = |name: &String| *name < max || !excluded.1 && *name == max;
        let inside = |name: &String| is_after_min(name) && is_before_max(name);
        prop_assert_eq!(ranks.len(), names.iter().filter(|name| inside(name)).count());
        if let Some(first) = names.iter().position(inside) {
            prop_assert_eq!(ranks.start, first);
        }
        prop_assert_eq!(set.ranks_by_name(NameEnd::First, NameEnd::Last), 0..names.len());
        prop_assert_eq!(set.ranks_by_name(NameEnd::Last, NameEnd::Last).len(), 0);
        prop_assert_eq!(set.ranks_by_name(NameEnd::First, NameEnd::First).len(), 0);
    }
}

/// Numbers that look random, the same at every run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn a_tree_of_several_levels_keeps_its_order() {
    const COUNT: u64 = 30_000;
    let (mut set, mut state) = (SortedSet::default(), 1);
    let mut model = std::collections::BTreeSet::new();
    let mut scores = std::collections::HashMap::new();
    set.put_in_order();
    for step in 0..4 * COUNT {
        let name = format!("member:{}", random(&mut state) % COUNT);
        let score = random(&mut state) % 1000;
        if step == COUNT {
            set.put_in_order();
        }
        // More are added than removed at first, and then the other way round.
        if random(&mut state) % 4 < if step < 2 * COUNT { 3 } else { 1 } {
            set.insert(Bytes::copied(name.as_bytes()), score as f64);
            if let Some(old) = scores.insert(name.clone(), score) {
                model.remove(&(old, name.clone()));
            }
            model.insert((score, name));
        } else {
            assert_eq!(set.remove(name.as_bytes()), scores.get(&name).map(|score| *score as f64));
            if let Some(old) = scores.remove(&name) {
                model.remove(&(old, name));
            }
        }
        if step % 5000 == 0 {
            assert!(
                set.iter()
                    .map(|(name, score)| (score as u64, name.to_vec()))
                    .eq(model.iter().map(|(score, name)| (*score, name.clone().into_bytes())))
            );
        }
    }
    assert!(set.len() > 1000);
    let (first, last) = (model.first().unwrap().1.clone(), model.last().unwrap().1.clone());
    assert_eq!(set.names_from(0).next().unwrap().0.as_slice(), first.as_bytes());
    assert_eq!(set.names_from(set.len() - 1).next().unwrap().0.as_slice(), last.as_bytes());
    while !set.is_empty() {
        let rank = random(&mut state) as usize % set.len();
        let there = set.names_from(rank).next().unwrap().0.as_slice().to_vec();
        assert!(set.score(&there).is_some(), "the order knows where its members are, however many are gone");
        set.remove_ranks(rank..rank + 1);
        assert_eq!(set.score(&there), None);
    }
}

#[test]
fn a_small_set_holds_no_negative_zero_and_a_large_one_may() {
    let mut set = SortedSet::default();
    set.insert(Bytes::copied(b"m"), -0.0);
    assert_eq!(set.score(b"m").map(f64::to_bits), Some(0));
    for number in 0..200 {
        set.insert(Bytes::copied(format!("member {number}").as_bytes()), 1.0);
    }
    assert_eq!(set.insert(Bytes::copied(b"m"), -0.0), Some(0.0));
    assert_eq!(set.score(b"m").map(f64::to_bits), Some(0), "equal scores do not replace one another");
    set.insert(Bytes::copied(b"n"), -0.0);
    assert_eq!(set.score(b"n").map(f64::to_bits), Some((-0.0_f64).to_bits()));
    set.put_in_order();
    set.insert(Bytes::copied(b"n"), 0.0);
    assert_eq!(set.score(b"n").map(f64::to_bits), Some((-0.0_f64).to_bits()));
    let zeros: Vec<&[u8]> = set.iter().take(2).map(|(name, _)| name).collect();
    assert_eq!(zeros, [b"m", b"n"]);
    assert_eq!(size_of::<SortedSet<'_>>(), 16);
}

#[test]
fn an_empty_name_is_found_whatever_its_score() {
    let mut set = SortedSet::default();
    for score in [5.0, 0.5, 1e300, 300.0] {
        set.insert(Bytes::copied(b""), score);
        assert_eq!((set.len(), set.score(b"")), (1, Some(score)));
    }
    assert_eq!(set.remove(b""), Some(300.0));
}

#[test]
fn a_long_name_in_a_small_set_may_have_a_score_of_minus_zero() {
    let mut set = SortedSet::default();
    set.insert(Bytes::owned(vec![b'x'; 65]), -0.0);
    assert_eq!(set.score(&[b'x'; 65]).map(f64::to_bits), Some((-0.0_f64).to_bits()));
}
