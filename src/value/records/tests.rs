use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn text(number: u16) -> &'static [u8] {
    let text = match number % 7 {
        0 => format!("a rather long string that is kept by itself and borrows from the log {number}"),
        1 => format!("one of forty bytes, packed only in a few {number}"),
        2 => String::new(),
        _ => format!("{number}"),
    };
    text.into_bytes().leak()
}

fn key(number: u16) -> &'static [u8] {
    if number % 7 == 2 { format!("key {number}").into_bytes().leak() } else { text(number) }
}

#[derive(Debug, Clone)]
enum Step {
    Insert { key: u16, value: u16, expiry: Expiry, made: bool },
    InsertMany { first: u16, many: u16 },
    SetExpiry { key: u16, expiry: Option<i64> },
    Remove { key: u16, many: u16 },
    Take { key: u16 },
    RemoveFirst,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop_oneof![0..20_u16, 0..200_u16];
    let expiry = || prop::option::of(0..i64::MAX);
    let change = || prop_oneof![Just(Expiry::Keep), expiry().prop_map(Expiry::Set)];
    prop_oneof![
        8 => (key(), 0..60_u16, change(), any::<bool>())
            .prop_map(|(key, value, expiry, made)| Step::Insert { key, value, expiry, made }),
        1 => (key(), 1..600_u16).prop_map(|(first, many)| Step::InsertMany { first, many }),
        2 => (key(), expiry()).prop_map(|(key, expiry)| Step::SetExpiry { key, expiry }),
        1 => (key(), prop_oneof![4 => 1..30_u16, 1 => 1..700_u16]).prop_map(|(key, many)| Step::Remove { key, many }),
        1 => key().prop_map(|key| Step::Take { key }),
        1 => Just(Step::RemoveFirst),
    ]
}

type Model = BTreeMap<&'static [u8], (&'static [u8], Option<i64>)>;

fn run(records: &mut Records<'static, 2>, model: &mut Model, step: &Step) {
    match *step {
        Step::Insert { key: name, value, expiry, made } => {
            let (name, value) = (key(name), text(value));
            let old = model.get(name).and_then(|(_, expiry)| *expiry);
            let new = if let Expiry::Set(new) = expiry { new } else { old };
            let is_new = model.insert(name, (value, new)).is_none();
            let [name, value] =
                [name, value].map(|text| if made { Text::Made(Bytes::copied(text)) } else { Text::Log(text) });
            assert_eq!(records.insert(name, value, expiry), is_new);
        }
        Step::InsertMany { first, many } => {
            for number in first..first + many {
                let is_new = model.insert(key(number), (text(number), None)).is_none();
                let (name, value) = (Text::Log(key(number)), Text::Log(text(number)));
                assert_eq!(records.insert(name, value, Expiry::Set(None)), is_new);
            }
        }
        Step::SetExpiry { key: name, expiry } => {
            let found = records.find(key(name));
            assert_eq!(found.is_some(), model.contains_key(key(name)));
            if let Some(record) = found {
                records.set_expiry(&record, expiry);
                model.get_mut(key(name)).unwrap().1 = expiry;
            }
        }
        Step::Remove { key: first, many } => {
            for name in (first..).take(many.into()) {
                let found = records.find(key(name));
                assert_eq!(found.is_some(), model.remove(key(name)).is_some());
                if let Some(record) = found {
                    records.remove(&record);
                }
            }
        }
        Step::Take { key: name } => {
            let taken = records.find(key(name)).map(|record| records.take(&record));
            assert_eq!(taken.as_deref(), model.remove(key(name)).map(|(value, _)| value));
        }
        Step::RemoveFirst => {
            let first = records.first();
            assert_eq!(first.is_some(), !model.is_empty());
            if let Some(record) = first {
                assert!(model.remove(records.strings(&record).key).is_some());
                records.remove(&record);
            }
        }
    }
}

proptest! {
    #[test]
    fn records_are_a_map(steps in prop::collection::vec(step(), 0..150)) {
        let (mut records, mut model) = (Records::<2>::default(), BTreeMap::new());
        for step in steps {
            run(&mut records, &mut model, &step);
            prop_assert_eq!(records.len(), model.len());
            let all: Model = records.clone().iter().map(|strings| {
                let (key, value) = (strings.key.to_vec().leak(), strings.value.to_vec().leak());
                (&*key, (&*value, strings.expiry))
            }).collect();
            prop_assert_eq!(&all, &model);
        }
        for (key, (value, expiry)) in &model {
            let record = records.find(key).unwrap();
            prop_assert_eq!(records.strings(&record).value, *value);
            prop_assert_eq!(records.strings(&record).expiry, *expiry);
        }
    }
}

#[test]
fn records_without_values_are_a_set_in_order_of_arrival() {
    let names: Vec<&[u8]> = (0..5000).map(key).collect();
    let mut records = Records::<1>::default();
    let mut insert = |name| records.insert(Text::Log(name), Text::Log(&[]), Expiry::Keep);
    assert!(names.iter().all(|name| insert(name)));
    assert!(names.iter().all(|name| !insert(name)));
    assert!(records.iter().map(|strings| strings.key).eq(names.iter().copied()));
    for (index, name) in names.iter().enumerate() {
        let record = records.find(name).unwrap();
        records.remove(&record);
        assert_eq!((records.find(name).is_none(), records.len()), (true, 4999 - index));
    }
}

#[test]
fn few_short_strings_take_little() {
    let mut records = Records::<1>::default();
    assert_eq!((size_of::<Records<'_, 1>>(), size_of::<Records<'_, 2>>()), (16, 16));
    for name in 100..110 {
        records.insert(Text::Made(Bytes::from_integer(name)), Text::Log(&[]), Expiry::Keep);
    }
    assert!(records.bytes_held() <= 64, "{}", records.bytes_held());
}

#[test]
fn a_hundred_thousand_strings_of_twenty_bytes_take_less_than_32_each() {
    let mut records = Records::<1>::default();
    for name in 0..100_000 {
        records.insert(Text::Made(Bytes::copied(format!("{name:020}").as_bytes())), Text::Log(&[]), Expiry::Keep);
    }
    assert!(records.bytes_held() < 32 * 100_000, "{}", records.bytes_held());
}

#[test]
fn values_that_grow_and_shrink_leave_nothing_behind() {
    let mut records = Records::<2>::default();
    let long: &'static [u8] = "long ".repeat(100).into_bytes().leak();
    for turn in 0..100_u8 {
        for name in 0..100_u8 {
            let value = if (turn + name) % 3 == 0 { long } else { long.get(..usize::from(turn % 40)).unwrap() };
            records.insert(Text::Made(Bytes::from_integer(name.into())), Text::Log(value), Expiry::Keep);
        }
    }
    assert!(records.bytes_held() < 16_000, "{}", records.bytes_held());
    for name in 0..99 {
        let record = records.find(name.to_string().as_bytes()).unwrap();
        records.remove(&record);
    }
    assert!(records.bytes_held() < 1_000, "{}", records.bytes_held());
}

#[test]
fn many_records_are_taken_out_from_the_front_in_linear_time() {
    let mut records = Records::<1>::default();
    for name in 0..300_000 {
        records.insert(Text::Made(Bytes::from_integer(name)), Text::Log(&[]), Expiry::Keep);
    }
    while let Some(first) = records.first() {
        records.remove(&first);
    }
    assert_eq!(records.len(), 0);
}
