use super::*;
use proptest::prelude::*;

/// A string of the log of some kind: tiny, or too long to be packed.
fn text(number: u16) -> &'static [u8] {
    let text = match number % 5 {
        0 => format!("a rather long element that borrows from the log {number}"),
        1 => format!("{number}, middling"),
        _ => format!("{number}"),
    };
    text.into_bytes().leak()
}

#[derive(Debug, Clone)]
enum Step {
    Push(End, u16, usize),
    Pop(End),
    Drop(End, usize),
    Set(usize, u16),
    Insert(usize, u16),
    Remove(usize),
    RemoveEqual(u16, End, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let end = || prop_oneof![Just(End::Head), Just(End::Tail)];
    let number = || 0..40_u16;
    prop_oneof![
        8 => (end(), number(), 1..300_usize).prop_map(|(end, number, times)| Step::Push(end, number, times)),
        2 => end().prop_map(Step::Pop),
        1 => (end(), 0..400_usize).prop_map(|(end, count)| Step::Drop(end, count)),
        2 => (0..3000_usize, number()).prop_map(|(index, number)| Step::Set(index, number)),
        4 => (0..3000_usize, number()).prop_map(|(index, number)| Step::Insert(index, number)),
        2 => (0..3000_usize).prop_map(Step::Remove),
        2 => (number(), end(), 1..200_usize).prop_map(|(number, end, most)| Step::RemoveEqual(number, end, most)),
    ]
}

fn apply(list: &mut List<'static>, model: &mut VecDeque<&'static [u8]>, step: &Step) {
    match *step {
        Step::Push(end, first, times) => {
            for number in (first..).take(times) {
                // Every other one is made rather than from the log.
                match number % 2 {
                    0 => list.push(end, text(number)),
                    _ => list.push(end, Bytes::copied(text(number))),
                }
                match end {
                    End::Head => model.push_front(text(number)),
                    End::Tail => model.push_back(text(number)),
                }
            }
        }
        Step::Pop(end) => {
            let expected = if end == End::Head { model.pop_front() } else { model.pop_back() };
            assert_eq!(list.pop(end).as_deref(), expected);
        }
        Step::Drop(end, count) => {
            list.drop_elements(end, count);
            let count = count.min(model.len());
            match end {
                End::Head => drop(model.drain(..count)),
                End::Tail => model.truncate(model.len() - count),
            }
        }
        Step::Set(index, number) => {
            let known = model.get_mut(index).map(|element| *element = text(number));
            assert_eq!(list.set(index, text(number)), known.is_some());
        }
        Step::Insert(index, number) => {
            assert_eq!(list.insert(index, text(number)), index <= model.len());
            if index <= model.len() {
                model.insert(index, text(number));
            }
        }
        Step::Remove(index) => assert_eq!(list.remove(index), model.remove(index).is_some()),
        Step::RemoveEqual(number, end, most) => {
            let element = text(number);
            let mut left = most;
            let mut keep = |other: &&'static [u8]| {
                *other != element || left == 0 || {
                    left -= 1;
                    false
                }
            };
            match end {
                End::Head => model.retain(|other| keep(other)),
                End::Tail => {
                    *model = model.drain(..).rev().filter(|other| keep(other)).collect();
                    *model = model.drain(..).rev().collect();
                }
            }
            assert_eq!(list.remove_equal(element, end, most), most - left);
        }
    }
}

proptest! {
    #[test]
    fn a_list_is_a_deque(steps in prop::collection::vec(step(), 0..60)) {
        let (mut list, mut model) = (List::default(), VecDeque::new());
        for step in steps {
            apply(&mut list, &mut model, &step);
            prop_assert_eq!(list.len(), model.len());
            prop_assert!(list.iter().eq(model.iter().copied()));
            prop_assert!(list.iter().rev().eq(model.iter().rev().copied()));
            for index in [0, 1, model.len() / 2, model.len().saturating_sub(1), model.len(), model.len() + 3] {
                prop_assert!(list.iter_from(index).eq(model.iter().skip(index).copied()));
            }
        }
        for (index, element) in model.iter().enumerate() {
            prop_assert_eq!(list.get(index), Some(*element));
            prop_assert_eq!(list.position(element), model.iter().position(|other| other == element));
        }
        prop_assert_eq!(list.get(model.len()), None);
    }
}

#[test]
fn a_queue_of_few_elements_stays_small() {
    for (in_at, out_at) in [(End::Tail, End::Head), (End::Head, End::Tail)] {
        let mut list = List::default();
        for number in 0..10_000_u16 {
            list.push(in_at, text(number * 5 + 2));
            if number >= 4 {
                list.drop_elements(out_at, 1);
            }
            assert!(list.bytes_held() < 200, "{}", list.bytes_held());
        }
        assert_eq!(list.len(), 4);
    }
}

#[test]
fn an_element_of_three_bytes_takes_little_more_than_five() {
    for end in [End::Head, End::Tail] {
        let mut list = List::default();
        (0..100_000).for_each(|_| list.push(end, &b"abc"[..]));
        assert!(list.bytes_held() < 540_000, "{}", list.bytes_held());
    }
}

#[test]
fn what_is_left_of_a_long_list_is_joined() {
    let mut list: List<'_> = (0..50_000_u16).map(|number| Text::from(text(number % 4))).collect();
    for kind in 1..4 {
        list.remove_equal(text(kind), End::Tail, usize::MAX);
    }
    list.drop_elements(End::Head, 12_000);
    list.push_back(text(2));
    (0..200).for_each(|_| list.push_back(text(3)));
    list.remove_equal(text(3), End::Head, usize::MAX);
    assert!(list.bytes_held() < 24 * 1024, "{}", list.bytes_held());
}

#[test]
fn elements_at_both_ends_of_a_long_list_take_constant_time() {
    let mut list: List<'_> = (0..1_000_000).map(|_| Text::from(&b"xyz"[..])).collect();
    for _ in 0..500_000 {
        list.drop_elements(End::Head, 1);
        list.pop_back();
        list.push_front(&b"abc"[..]);
        list.drop_elements(End::Head, 1);
    }
    assert!(list.is_empty());
}

#[test]
fn elements_that_outgrow_their_blocks_do_not_end_up_in_blocks_of_their_own() {
    const LENGTH: usize = 20_000;
    let mut model: Vec<Vec<u8>> = (0..LENGTH).map(|number| number.to_string().into_bytes()).collect();
    let elements = model.clone();
    let long: Vec<Vec<u8>> = (0..LENGTH).map(|number| vec![b'x'; 20 + number % 100]).collect();
    let mut list: List<'_> = elements.iter().map(|element| Text::from(element.as_slice())).collect();
    for (step, element) in long.iter().enumerate() {
        // A prime, so that each place comes up once.
        let index = step * 7919 % LENGTH;
        assert!(list.set(index, element.as_slice()));
        model[index].clone_from(element);
        let blocks = match &list.0 {
            Repr::Other(other) => match &**other {
                Other::Many(many) => many.blocks.len(),
                Other::Plain(_) => 1,
            },
            Repr::Packed(_) => 1,
        };
        // At least 32 elements in each: those that are divided have more than 64.
        assert!(blocks <= LENGTH / 32, "{blocks} blocks after {step} steps");
    }
    assert!(list.iter().eq(model.iter().map(Vec::as_slice)));
}
