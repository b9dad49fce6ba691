//! Vector sets: the elements of a vector index (Redis 8.0 and later), without the index itself.
//!
//! The facts are from `modules/vector-sets/vset.c` and `hnsw.c` of Redis 8.6.3. The arithmetic is that of the server in
//! `f32`, step by step, since a digest covers its result to the bit.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bytes, Raw};

/// How a vector set keeps its vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quantization {
    /// `NOQUANT`: as floats.
    None,
    /// `Q8`: a byte for each component.
    #[default]
    Int8,
    /// `BIN`: a bit for each component.
    Binary,
}

impl Quantization {
    /// The number that an RDB gives it.
    pub const fn number(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Int8 => 1,
            Self::Binary => 2,
        }
    }

    /// The one with this number in an RDB.
    pub fn of_number(number: u64) -> Option<Self> {
        [Self::None, Self::Int8, Self::Binary].into_iter().find(|quantization| quantization.number() == number)
    }

    /// How many bytes a vector of `dimension` components takes.
    pub const fn vector_length(self, dimension: usize) -> usize {
        match self {
            Self::None => dimension * 4,
            Self::Int8 => dimension,
            Self::Binary => dimension.div_ceil(64) * 8,
        }
    }
}

/// What `REDUCE` makes of vectors with more components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection<'a> {
    /// How many components a vector has before it.
    pub input_dimension: usize,
    /// The matrix as an RDB holds it; `None` for the one that servers make.
    pub matrix: Option<Bytes<'a>>,
}

/// What all elements of a vector set have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape<'a> {
    /// How many components a vector has, after the projection.
    pub dimension: usize,
    /// How vectors are kept.
    pub quantization: Quantization,
    /// The option `M`: how many neighbors a node of the index is linked with.
    pub links: u64,
    /// What `REDUCE` asked for.
    pub projection: Option<Projection<'a>>,
}

impl Shape<'_> {
    /// The greatest dimension (`VSET_MAX_VECTOR_DIM`).
    pub const MAX_DIMENSION: usize = 1 << 16;
    /// The option `M` of a set that was created without it (`HNSW_DEFAULT_M`).
    pub const DEFAULT_LINKS: u64 = 16;

    /// How many components a vector that is added has.
    pub fn input_dimension(&self) -> usize {
        self.projection.as_ref().map_or(self.dimension, |projection| projection.input_dimension)
    }

    /// A vector as the set keeps it: projected, normalized and quantized.
    fn kept(&self, floats: &[u8]) -> Vec<u8> {
        let input: Vec<f32> = floats.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let mut vector = match &self.projection {
            None => input,
            Some(projection) => projection.apply(&input, self.dimension),
        };
        normalize(&mut vector);
        match self.quantization {
            Quantization::None => vector.iter().flat_map(|component| component.to_le_bytes()).collect(),
            Quantization::Int8 => to_int8(&vector),
            Quantization::Binary => to_bits(&vector),
        }
    }
}

impl Projection<'_> {
    /// `applyProjection`, with the matrix of `createProjectionMatrix` unless there is another.
    fn apply(&self, input: &[f32], dimension: usize) -> Vec<f32> {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as the server computes it")]
        let scale = (1.0 / (self.input_dimension as f64).sqrt()) as f32;
        let stored = self.matrix.as_ref().map(|matrix| matrix.as_chunks().0);
        let factor = |row: usize, column: usize| match stored {
            Some(stored) => {
                stored.get(row * self.input_dimension + column).map_or(0.0, |bytes| f32::from_le_bytes(*bytes))
            }
            None if (row & column).count_ones().is_multiple_of(2) => scale,
            None => -scale,
        };
        let product = |row| {
            // Not a dot product of the library: the order of the additions counts.
            input.iter().enumerate().fold(0.0_f32, |sum, (column, component)| sum + factor(row, column) * component)
        };
        (0..dimension).map(product).collect()
    }
}

/// `hnsw_normalize_vector`: four squares are added before they go to the sum.
fn normalize(vector: &mut [f32]) {
    let (fours, rest) = vector.as_chunks();
    let of_four = |[a, b, c, d]: &[f32; 4]| a * a + b * b + c * c + d * d;
    let sum = fours.iter().fold(0.0_f32, |sum, four| sum + of_four(four));
    let sum = rest.iter().fold(sum, |sum, component| sum + component * component);
    if sum != 0.0 {
        let length = sum.sqrt();
        for component in vector {
            *component /= length;
        }
    }
}

/// `quantize_to_q8`.
fn to_int8(vector: &[f32]) -> Vec<u8> {
    let greatest =
        vector.iter().fold(0.0_f32, |most, component| if component.abs() > most { component.abs() } else { most });
    if greatest == 0.0 {
        return vec![0; vector.len()];
    }
    let scale = 127.0 / greatest;
    #[expect(clippy::cast_possible_truncation, reason = "within -127 and 127")]
    let quantized = |component: &f32| ((component * scale).round() as i8).cast_unsigned();
    vector.iter().map(quantized).collect()
}

/// `quantize_to_bin`.
fn to_bits(vector: &[f32]) -> Vec<u8> {
    let word = |components: &[f32]| {
        components.iter().rev().fold(0_u64, |bits, component| bits << 1 | u64::from(*component > 0.0))
    };
    vector.chunks(64).flat_map(|components| word(components).to_le_bytes()).collect()
}

/// The vector of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vector<'a> {
    /// As VADD gave it: 32-bit floats, little-endian.
    Given {
        /// The floats.
        floats: Bytes<'a>,
        /// The option `EF`, if it was given.
        effort: Option<u64>,
    },
    /// As an RDB holds it: normalized and quantized.
    Kept(Bytes<'a>),
}

/// An element of a vector set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its vector.
    pub vector: Vector<'a>,
    /// What SETATTR or VSETATTR gave it.
    pub attribute: Option<Bytes<'a>>,
    /// Whether it is from an RDB, and its attribute is not the one there.
    pub has_changed_attribute: bool,
    is_from_base: bool,
    /// Where it stands in the order in which elements were added.
    order: u64,
}

/// A vector set: its elements, and the RDB value that it is from, if it is from one.
///
/// What an RDB holds of the index can be neither changed nor made: such a set is the value as it was, and what was
/// changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorSet<'a> {
    /// What all elements have in common.
    pub shape: Shape<'a>,
    base: Option<Raw<'a>>,
    /// Elements of the base that were removed.
    removed: BTreeSet<Bytes<'a>>,
    elements: BTreeMap<Bytes<'a>, Element<'a>>,
    added: u64,
}

impl<'a> VectorSet<'a> {
    /// A set without elements.
    pub const fn new(shape: Shape<'a>) -> Self {
        Self { shape, base: None, removed: BTreeSet::new(), elements: BTreeMap::new(), added: 0 }
    }

    /// Adds an element of an RDB value; `false`, and nothing, if there is one of this name.
    pub fn load(&mut self, name: Bytes<'a>, vector: Bytes<'a>, attribute: Option<Bytes<'a>>) -> bool {
        let is_new = !self.elements.contains_key(&name);
        if is_new {
            let vector = Vector::Kept(vector);
            self.elements.insert(name, Element::new(vector, attribute, self.added, true));
            self.added += 1;
        }
        is_new
    }

    /// Remembers the RDB value whose elements were loaded.
    #[must_use]
    pub fn with_base(self, base: Raw<'a>) -> Self {
        Self { base: Some(base), ..self }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none; a server then deletes the key.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The elements, by name.
    pub fn elements(&self) -> impl Iterator<Item = (&[u8], &Element<'a>)> {
        self.elements.iter().map(|(name, element)| (name.as_slice(), element))
    }

    /// An element's vector as the set keeps it: normalized and quantized.
    pub fn kept_vector<'v>(&self, element: &'v Element<'a>) -> std::borrow::Cow<'v, [u8]> {
        match &element.vector {
            Vector::Given { floats, .. } => self.shape.kept(floats).into(),
            Vector::Kept(bytes) => bytes.as_slice().into(),
        }
    }

    /// Adds an element, or gives one another vector and, with an attribute, another attribute. An empty attribute takes
    /// away that of an element that is there (`vectorSetInsert`).
    pub fn add(&mut self, name: Bytes<'a>, floats: Bytes<'a>, effort: Option<u64>, attribute: Option<Bytes<'a>>) {
        let vector = Vector::Given { floats, effort };
        if let Some(element) = self.elements.get_mut(&name) {
            element.vector = vector;
            if let Some(attribute) = attribute {
                element.set_attribute(attribute);
            }
            return;
        }
        self.elements.insert(name, Element::new(vector, attribute, self.added, false));
        self.added += 1;
    }

    /// Removes an element, and says whether there was one of this name.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let Some((name, element)) = self.elements.remove_entry(name) else { return false };
        if element.is_from_base {
            self.removed.insert(name);
        }
        true
    }

    /// Gives an element an attribute, or takes it away if it is empty; `false`, and nothing, if there is no such
    /// element.
    pub fn set_attribute(&mut self, name: &[u8], attribute: Bytes<'a>) -> bool {
        let element = self.elements.get_mut(name);
        element.map(|element| element.set_attribute(attribute)).is_some()
    }

    /// The RDB value that the set is from, as long as one of its elements is there.
    pub fn base(&self) -> Option<&Raw<'a>> {
        let is_from_base = |element: &Element<'_>| matches!(element.vector, Vector::Kept(_));
        self.base.as_ref().filter(|_| self.elements.values().any(is_from_base))
    }

    /// The RDB value that the set is from, if nothing was changed since.
    pub fn unchanged(&self) -> Option<&Raw<'a>> {
        let is_unchanged = |element: &Element<'_>| {
            element.is_from_base && !element.has_changed_attribute && matches!(element.vector, Vector::Kept(_))
        };
        self.base.as_ref().filter(|_| self.removed.is_empty() && self.elements.values().all(is_unchanged))
    }

    /// The elements of the base that were removed, even if there are new ones of these names.
    pub fn removed(&self) -> impl Iterator<Item = &[u8]> {
        self.removed.iter().map(Bytes::as_slice)
    }

    /// The elements in the order in which they were added.
    pub fn in_order(&self) -> Vec<(&[u8], &Element<'a>)> {
        let mut elements: Vec<_> = self.elements().collect();
        elements.sort_by_key(|(_, element)| element.order);
        elements
    }
}

impl<'a> Element<'a> {
    const fn new(vector: Vector<'a>, attribute: Option<Bytes<'a>>, order: u64, is_from_base: bool) -> Self {
        Self { vector, attribute, has_changed_attribute: false, is_from_base, order }
    }

    fn set_attribute(&mut self, attribute: Bytes<'a>) {
        self.attribute = (!attribute.is_empty()).then_some(attribute);
        self.has_changed_attribute = self.is_from_base;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(components: &[f32]) -> Vec<u8> {
        components.iter().flat_map(|component| component.to_le_bytes()).collect()
    }

    fn kept(quantization: Quantization, components: &[f32]) -> Vec<u8> {
        let shape = Shape { dimension: components.len(), quantization, links: 16, projection: None };
        shape.kept(&floats(components))
    }

    #[test]
    fn vectors_are_normalized_and_quantized() {
        assert_eq!(kept(Quantization::None, &[3.0, 4.0]), floats(&[0.6, 0.8]));
        assert_eq!(kept(Quantization::Int8, &[1.0, -0.75, 0.0, 0.25]), [127, 161, 0, 32]);
        assert_eq!(kept(Quantization::Int8, &[0.0, 0.0]), [0, 0]);
        assert_eq!(kept(Quantization::Binary, &[1.0, -1.0, 0.0, 2.0]), [9, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(kept(Quantization::Binary, &[1.0; 65]).len(), 16);
    }

    #[test]
    fn a_removed_element_of_the_base_stays_known() {
        let shape = Shape { dimension: 1, quantization: Quantization::Int8, links: 16, projection: None };
        let raw = Raw { type_code: 7, family: crate::value::Family::Redis, version: 12, payload: b"" };
        let mut set = VectorSet::new(shape).with_base(raw);
        assert!(set.load(Bytes::borrowed(b"a"), Bytes::borrowed(b"\x7f"), None));
        assert!(set.unchanged().is_some());
        assert!(!set.load(Bytes::borrowed(b"a"), Bytes::borrowed(b"\x7f"), None));
        set.add(Bytes::borrowed(b"b"), Bytes::owned(floats(&[1.0])), None, Some(Bytes::default()));
        assert!(set.base().is_some() && set.unchanged().is_none());
        assert!(set.remove(b"a") && !set.remove(b"a"));
        assert_eq!((set.base(), set.removed().count(), set.len()), (None, 1, 1));
        assert!(set.set_attribute(b"b", Bytes::borrowed(b"{}")) && !set.set_attribute(b"a", Bytes::default()));
    }
}
