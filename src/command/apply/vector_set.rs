//! The commands on vector sets (`vset.c` of Redis 8.6.3).

use super::{Call, Failure};
use crate::resp::parse_integer;
use crate::value::score::parse_score;
use crate::value::{Bytes, Projection, Quantization, Shape, Value, VectorSet};

/// The vector of VADD, and the index after its arguments.
struct Input<'a> {
    /// 32-bit floats, little-endian.
    floats: Bytes<'a>,
    reduce: Option<usize>,
    end: usize,
}

impl Input<'_> {
    fn dimension(&self) -> usize {
        self.floats.len() / size_of::<f32>()
    }
}

const INVALID_VECTOR: Failure = Failure::other("invalid vector specification");

/// `[REDUCE n] FP32 blob` or `[REDUCE n] VALUES n number …`
fn parse_input<'a>(call: &Call<'_, 'a>) -> Result<Input<'a>, Failure> {
    let positive = |index| {
        let number = call.argument(index).ok().and_then(parse_integer).and_then(|number| usize::try_from(number).ok());
        number.filter(|number| *number > 0).ok_or(INVALID_VECTOR)
    };
    let reduces = call.arguments.len() > 4 && call.argument(2)?.eq_ignore_ascii_case(b"REDUCE");
    let reduce = if reduces { Some(positive(3)?) } else { None };
    let start = if reduces { 4 } else { 2 };
    let form = call.argument(start)?;
    let (floats, end) = if form.eq_ignore_ascii_case(b"FP32") {
        (Bytes::borrowed(call.argument(start + 1).map_err(|_| INVALID_VECTOR)?), start + 2)
    } else if form.eq_ignore_ascii_case(b"VALUES") {
        let end = positive(start + 1)?.saturating_add(start + 2);
        let numbers = call.arguments.get(start + 2..end).ok_or(INVALID_VECTOR)?;
        #[expect(clippy::cast_possible_truncation, reason = "as the server does")]
        let float =
            |text: &&[u8]| parse_score(text, call.server.float_syntax()).map(|number| (number as f32).to_le_bytes());
        let floats: Option<Vec<[u8; 4]>> = numbers.iter().map(float).collect();
        (Bytes::owned(floats.ok_or(INVALID_VECTOR)?.concat()), end)
    } else {
        return Err(INVALID_VECTOR);
    };
    let input = Input { floats, reduce, end };
    let is_whole = input.floats.len().is_multiple_of(size_of::<f32>());
    let fits = (1..=Shape::MAX_DIMENSION).contains(&input.dimension());
    let is_too_wide = |reduced| call.server.limits_vector_reduction() && reduced > input.dimension();
    if !is_whole || !fits || reduce.is_some_and(is_too_wide) {
        return Err(INVALID_VECTOR);
    }
    Ok(input)
}

/// The vector set at a key.
fn existing<'s, 'a>(call: &'s mut Call<'_, 'a>, key: &[u8]) -> Result<Option<&'s mut VectorSet<'a>>, Failure> {
    match call.value(key)? {
        None => Ok(None),
        Some(Value::VectorSet(set)) => Ok(Some(set)),
        Some(_) => Err(Failure::WrongType),
    }
}

/// The options after the element.
struct Options<'a> {
    effort: Option<u64>,
    links: u64,
    attribute: Option<&'a [u8]>,
    quantization: Quantization,
}

fn parse_options<'a>(call: &Call<'_, 'a>, start: usize) -> Result<Options<'a>, Failure> {
    let mut options =
        Options { effort: None, links: Shape::DEFAULT_LINKS, attribute: None, quantization: Quantization::default() };
    let within = |index, least: u64, most: u64, failure| {
        let number = call.argument(index).ok().and_then(parse_integer).and_then(|number| u64::try_from(number).ok());
        number.filter(|number| (least..=most).contains(number)).ok_or(failure)
    };
    let mut index = start;
    while let Ok(option) = call.argument(index) {
        let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
        let has_value = index + 1 < call.arguments.len();
        index += 1;
        if is(b"CAS") {
        } else if is(b"NOQUANT") {
            options.quantization = Quantization::None;
        } else if is(b"BIN") {
            options.quantization = Quantization::Binary;
        } else if is(b"Q8") {
            options.quantization = Quantization::Int8;
        } else if has_value && (is(b"EF") || is(b"M") || is(b"SETATTR")) {
            if is(b"EF") {
                options.effort = Some(within(index, 1, 1_000_000, Failure::other("invalid EF"))?);
            } else if is(b"M") {
                options.links = within(index, 4, 4096, Failure::other("invalid M"))?;
            } else {
                options.attribute = Some(call.argument(index)?);
            }
            index += 1;
        } else {
            return Err(Failure::other("invalid option after element"));
        }
    }
    Ok(options)
}

/// Whether a set accepts the vector of a VADD.
fn check_shape(shape: &Shape<'_>, input: &Input<'_>, options: &Options<'_>) -> Result<(), Failure> {
    if shape.quantization != options.quantization {
        return Err(Failure::other("asked quantization mismatch with existing vector set"));
    }
    if shape.links != options.links {
        return Err(Failure::other("asked M value mismatch with existing vector set"));
    }
    let fits = match (&shape.projection, input.reduce) {
        (None, reduce) => reduce.is_none() && shape.dimension == input.dimension(),
        (Some(projection), Some(reduce)) => {
            reduce == shape.dimension && projection.input_dimension == input.dimension()
        }
        (Some(_), None) => false,
    };
    if fits { Ok(()) } else { Err(Failure::other("Vector dimension mismatch")) }
}

/// `VADD key [REDUCE n] FP32 blob|VALUES n number … element [CAS] [NOQUANT|Q8|BIN] [EF n] [SETATTR json] [M n]`
pub(in crate::command) fn vadd(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    if call.arguments.len() < 5 {
        return Err(Failure::Arity);
    }
    let key = call.argument(1)?;
    let input = parse_input(call)?;
    let element = call.argument(input.end)?;
    let options = parse_options(call, input.end + 1)?;
    let attribute = options.attribute.map(Bytes::borrowed);
    if let Some(set) = existing(call, key)? {
        check_shape(&set.shape, &input, &options)?;
        set.add(Bytes::borrowed(element), input.floats, options.effort, attribute);
        return Ok(());
    }
    let projection = input.reduce.map(|_| Projection { input_dimension: input.dimension(), matrix: None });
    let mut set = VectorSet::new(Shape {
        dimension: input.reduce.unwrap_or(input.dimension()),
        quantization: options.quantization,
        links: options.links,
        projection,
    });
    set.add(Bytes::borrowed(element), input.floats, options.effort, attribute);
    call.put(key, Value::VectorSet(Box::new(set)));
    Ok(())
}

/// `VREM key element`
pub(in crate::command) fn vrem(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, element) = (call.argument(1)?, call.argument(2)?);
    if call.arguments.len() != 3 {
        return Err(Failure::Arity);
    }
    if let Some(set) = existing(call, key)? {
        set.remove(element);
        if set.is_empty() {
            call.remove(key);
        }
    }
    Ok(())
}

/// `VSETATTR key element json`; an empty text removes the attribute.
pub(in crate::command) fn vsetattr(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, element, attribute) = (call.argument(1)?, call.argument(2)?, call.argument(3)?);
    if call.arguments.len() != 4 {
        return Err(Failure::Arity);
    }
    if let Some(set) = existing(call, key)? {
        set.set_attribute(element, Bytes::borrowed(attribute));
    }
    Ok(())
}
