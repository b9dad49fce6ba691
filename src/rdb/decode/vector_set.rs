//! Vector sets: the values of a module that comes with Redis 8 (`VectorSetRdbLoad` in `vset.c` of Redis 8.6.3).

use super::super::context::ModuleId;
use super::super::fault::{DecodeFault, Fault, Malformed};
use super::super::primitive::Reader;
use super::bytes;
use crate::value::{Bytes, Projection, Quantization, Raw, Shape, Value, VectorSet};

/// The module type of vector sets.
pub(in super::super) const VECTOR_SET: &str = "vectorset";

/// The opcodes before a number and before a string in the value of a module.
const UNSIGNED: u64 = 2;
const STRING: u64 = 5;

/// The RDB type of module values.
const MODULE: u8 = 7;

/// The flags of a set with a projection, and of one with attributes.
const HAS_PROJECTION: u64 = 1;
const HAS_ATTRIBUTES: u64 = 2;

/// Decodes a module's value as a vector set.
///
/// # Errors
/// [`DecodeFault::Opaque`] for the value of another module.
pub(in super::super) fn vector_set<'a>(raw: &Raw<'a>) -> Result<Value<'a>, DecodeFault> {
    if !is_vector_set(raw) {
        return Err(DecodeFault::Opaque { type_code: raw.type_code });
    }
    let mut reader = Reader::new(raw.payload, 0);
    reader.number()?;
    let mut set = load(&mut reader)?.with_base(*raw);
    if reader.number()? != 0 {
        return Err(malformed(&reader).into());
    }
    match raw.payload.len() - reader.position() {
        0 => {}
        rest => return Err(DecodeFault::TooLong(rest)),
    }
    set.shape.links = if set.shape.links == 0 { Shape::DEFAULT_LINKS } else { set.shape.links };
    Ok(Value::VectorSet(Box::new(set)))
}

/// Whether a value is a vector set, in the known version of its encoding.
pub(in super::super) fn is_vector_set(raw: &Raw<'_>) -> bool {
    let module = || Reader::new(raw.payload, 0).number().map(ModuleId);
    raw.type_code == MODULE && module().is_ok_and(|module| module.name() == VECTOR_SET && module.version() == 0)
}

fn malformed(reader: &Reader<'_>) -> Fault {
    reader.fault(reader.position(), Malformed::VectorSet)
}

fn number(reader: &mut Reader<'_>) -> Result<u64, Fault> {
    if reader.number()? == UNSIGNED { reader.number() } else { Err(malformed(reader)) }
}

fn string<'a>(reader: &mut Reader<'a>) -> Result<Bytes<'a>, Fault> {
    if reader.number()? == STRING { bytes(reader) } else { Err(malformed(reader)) }
}

fn dimension(reader: &mut Reader<'_>) -> Result<usize, Fault> {
    let dimension = usize::try_from(number(reader)?).ok().filter(|number| (1..=Shape::MAX_DIMENSION).contains(number));
    dimension.ok_or_else(|| malformed(reader))
}

fn load<'a>(reader: &mut Reader<'a>) -> Result<VectorSet<'a>, Fault> {
    let dimension = self::dimension(reader)?;
    let elements = number(reader)?;
    let configuration = number(reader)?;
    let quantization = Quantization::of_number(configuration & 0xff).ok_or_else(|| malformed(reader))?;
    let links = configuration >> 8 & 0xffff;
    let flags = number(reader)?;
    let projection = if flags & HAS_PROJECTION == 0 {
        None
    } else {
        let input_dimension = self::dimension(reader)?;
        let matrix = string(reader)?;
        if matrix.len() != input_dimension * dimension * size_of::<f32>() {
            return Err(malformed(reader));
        }
        Some(Projection { input_dimension, matrix: Some(matrix) })
    };
    let mut set = VectorSet::new(Shape { dimension, quantization, links, projection });
    for _ in 0..elements {
        let name = string(reader)?;
        let attribute = if flags & HAS_ATTRIBUTES == 0 { None } else { Some(string(reader)?) };
        let vector = string(reader)?;
        if vector.len() != quantization.vector_length(dimension) {
            return Err(malformed(reader));
        }
        for _ in 0..number(reader)? {
            number(reader)?;
        }
        if !set.load(name, vector, attribute.filter(|attribute| !attribute.is_empty())) {
            return Err(malformed(reader));
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Family;

    #[test]
    fn a_value_of_another_module_stays_opaque() {
        let raw = Raw { type_code: 7, family: Family::Redis, version: 12, payload: b"\x00\x00" };
        assert_eq!(raw.decode().unwrap_err(), DecodeFault::Opaque { type_code: 7 });
    }
}
