//! Places on the earth as 52-bit numbers, and distances: the arithmetic of the servers, step by step, so that every
//! double is the same.

/// The least and the greatest longitude, in degrees.
const LONGITUDE: (f64, f64) = (-180.0, 180.0);
/// The least and the greatest latitude, in degrees: those of EPSG:3857, which ends before the poles.
const LATITUDE: (f64, f64) = (-85.051_128_78, 85.051_128_78);
/// The number of bits of each coordinate in a score.
const FINEST: u32 = 26;
/// In metres.
const EARTH_RADIUS: f64 = 6_372_797.560_856;
/// Half the length of the equator on the map, in metres.
const MERCATOR_MAX: f64 = 20_037_726.37;
const RADIANS: f64 = std::f64::consts::PI / 180.0;

fn to_radians(degrees: f64) -> f64 {
    degrees * RADIANS
}

fn to_degrees(radians: f64) -> f64 {
    radians / RADIANS
}

/// A place, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

impl Place {
    /// Whether it is within the limits, so that a score can represent it.
    pub(super) fn is_valid(self) -> bool {
        let within = |value: f64, (min, max)| min <= value && value <= max;
        within(self.longitude, LONGITUDE) && within(self.latitude, LATITUDE)
    }

    /// The score that represents the place.
    pub(super) fn score(self) -> f64 {
        Cell::around(self, FINEST).start()
    }

    /// The middle of the area that a score represents. Any double is accepted.
    pub(super) fn of_score(score: f64) -> Self {
        let area = Cell { bits: to_bits(score), step: FINEST }.area();
        #[expect(clippy::manual_midpoint, reason = "rounded as servers round")]
        let middle = |min: f64, max: f64, limits: (f64, f64)| ((min + max) / 2.0).min(limits.1).max(limits.0);
        Self { longitude: middle(area.west, area.east, LONGITUDE), latitude: middle(area.south, area.north, LATITUDE) }
    }

    /// The distance to another place, in metres, by the haversine formula.
    pub(super) fn distance(self, other: Self) -> f64 {
        let (longitude, other_longitude) = (to_radians(self.longitude), to_radians(other.longitude));
        let across = ((other_longitude - longitude) / 2.0).sin();
        if across == 0.0 {
            return self.distance_north(other);
        }
        let (latitude, other_latitude) = (to_radians(self.latitude), to_radians(other.latitude));
        let along = ((other_latitude - latitude) / 2.0).sin();
        let square = along * along + latitude.cos() * other_latitude.cos() * across * across;
        2.0 * EARTH_RADIUS * square.sqrt().asin()
    }

    /// The distance to the other place's latitude, in metres.
    fn distance_north(self, other: Self) -> f64 {
        EARTH_RADIUS * (to_radians(other.latitude) - to_radians(self.latitude)).abs()
    }
}

/// A score as bits, converted as x86-64 processors convert a double to an unsigned integer.
fn to_bits(score: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "what is out of range is seen to")]
    let signed = |score: f64| if (-HALF..HALF).contains(&score) { score as i64 } else { i64::MIN };
    if score < HALF { signed(score).cast_unsigned() } else { signed(score - HALF).cast_unsigned() ^ 1 << 63 }
}

/// One of the 4^step cells that the map is divided into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// Bits of latitude and longitude alternately; the lowest bit is of the latitude.
    bits: u64,
    step: u32,
}

/// The area that a cell covers, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Area {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
const EVEN: u64 = 0x5555_5555_5555_5555;

/// The bits of a number, with a zero bit above each.
const fn spread(number: u32) -> u64 {
    let mut bits = number as u64;
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & EVEN
}

/// Every other bit of a number, from the lowest on.
const fn gather(number: u64) -> u32 {
    let mut bits = number & EVEN;
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    bits = (bits | bits >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits >> 4) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits >> 8) & 0x0000_ffff_0000_ffff;
    ((bits | bits >> 16) & 0xffff_ffff) as u32
}

impl Cell {
    /// The cell that a place is in. `step` is 1 to 26.
    fn around(place: Place, step: u32) -> Self {
        let part = |value: f64, (min, max): (f64, f64)| {
            let offset = (value - min) / (max - min) * f64::from(1_u32 << step);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to 2^26")]
            let offset = offset as u32;
            offset
        };
        let (latitude, longitude) = (part(place.latitude, LATITUDE), part(place.longitude, LONGITUDE));
        Self { bits: spread(latitude) | spread(longitude) << 1, step }
    }

    fn area(self) -> Area {
        let edge =
            |part: u32, (min, max): (f64, f64)| min + f64::from(part) / f64::from(1_u32 << self.step) * (max - min);
        let (latitude, longitude) = (gather(self.bits), gather(self.bits >> 1));
        Area {
            west: edge(longitude, LONGITUDE),
            east: edge(longitude.wrapping_add(1), LONGITUDE),
            south: edge(latitude, LATITUDE),
            north: edge(latitude.wrapping_add(1), LATITUDE),
        }
    }

    /// The lowest score in the cell.
    #[expect(clippy::cast_precision_loss, reason = "as servers do")]
    fn start(self) -> f64 {
        (self.bits << (52 - 2 * self.step)) as f64
    }

    /// The range of scores in the cell; the end is exclusive.
    pub(super) fn scores(self) -> (f64, f64) {
        (self.start(), Self { bits: self.bits.wrapping_add(1), ..self }.start())
    }

    /// The cell at this distance (-1, 0 or 1 cells) to the east and north. It wraps around at the edges of the map.
    fn neighbour(self, east: i8, north: i8) -> Self {
        let unused = 64 - 2 * self.step;
        let moved = |mine: u64, other: u64, by: i8| {
            let others = other >> unused;
            let bits = match by {
                0 => return self.bits & mine,
                1.. => (self.bits & mine).wrapping_add(others + 1),
                _ => (self.bits & mine | others).wrapping_sub(others + 1),
            };
            bits & mine >> unused
        };
        Self { bits: moved(ODD, EVEN, east) | moved(EVEN, ODD, north), ..self }
    }
}

/// The outline of a search.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outline {
    /// A radius around the centre, in units.
    Circle { radius: f64 },
    /// A box with the centre in its middle; width and height in units.
    Box { width: f64, height: f64 },
    /// A polygon of three or more corners.
    Polygon { corners: Vec<Place> },
}

/// An outline at a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) outline: Outline,
    /// For a polygon, it is computed.
    pub(super) centre: Place,
    /// The length of a unit in metres; 1 for polygons.
    pub(super) unit: f64,
}

impl Shape {
    /// A polygon; its centre is the direction of the sum of its corners, as vectors (Valkey 9).
    pub(super) fn polygon(corners: Vec<Place>) -> Self {
        let (mut x, mut y, mut z) = (0.0_f64, 0.0_f64, 0.0_f64);
        for corner in &corners {
            let (longitude, latitude) = (to_radians(corner.longitude), to_radians(corner.latitude));
            x += latitude.cos() * longitude.cos();
            y += latitude.cos() * longitude.sin();
            z += latitude.sin();
        }
        let longitude = to_degrees(y.atan2(x));
        let latitude = to_degrees(z.atan2((x * x + y * y).sqrt()));
        Self { outline: Outline::Polygon { corners }, centre: Place { longitude, latitude }, unit: 1.0 }
    }

    /// The distance of a place from the centre, in metres, if the shape covers it.
    pub(super) fn distance_to(&self, place: Place) -> Option<f64> {
        match &self.outline {
            Outline::Circle { radius } => {
                let distance = self.centre.distance(place);
                // This way a distance that is NaN is within.
                let outside = distance > radius * self.unit;
                (!outside).then_some(distance)
            }
            Outline::Box { width, height } => {
                let level = Place { longitude: self.centre.longitude, latitude: place.latitude };
                let outside = place.distance_north(self.centre) > height * self.unit / 2.0
                    || place.distance(level) > width * self.unit / 2.0;
                (!outside).then(|| self.centre.distance(place))
            }
            Outline::Polygon { corners } => {
                let before = corners.last().into_iter().chain(corners);
                let crossed = corners.iter().zip(before).filter(|(one, other)| crosses(place, **one, **other));
                (crossed.count() % 2 == 1).then(|| self.centre.distance(place))
            }
        }
    }

    /// The bounding box of the shape, in degrees.
    fn bounds(&self) -> Area {
        let Place { longitude, latitude } = self.centre;
        let (width, height) = match &self.outline {
            Outline::Circle { radius } => (self.unit * radius, self.unit * radius),
            Outline::Box { width, height } => (self.unit * (width / 2.0), self.unit * (height / 2.0)),
            Outline::Polygon { corners } => return bounds_of(corners),
        };
        let north = to_degrees(height / EARTH_RADIUS);
        let east_at = |latitude: f64| to_degrees(width / EARTH_RADIUS / to_radians(latitude).cos());
        // Servers take the side nearer to the equator, in the north as in the south.
        let east = if latitude < 0.0 { east_at(latitude - north) } else { east_at(latitude + north) };
        Area { west: longitude - east, east: longitude + east, south: latitude - north, north: latitude + north }
    }

    /// The distance from the centre to the farthest point, in metres.
    fn reach(&self, bounds: &Area) -> f64 {
        let reach = match &self.outline {
            Outline::Circle { radius } => *radius,
            Outline::Box { width, height } => ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt(),
            Outline::Polygon { .. } => {
                let to = |longitude, latitude| self.centre.distance(Place { longitude, latitude });
                let farther = |held: f64, other: f64| if other > held { other } else { held };
                let upper = farther(to(bounds.west, bounds.north), to(bounds.east, bounds.north));
                farther(farther(upper, to(bounds.west, bounds.south)), to(bounds.east, bounds.south))
            }
        };
        reach * self.unit
    }

    /// The cells to search, in the servers' order: the one of the centre, and those of its neighbours that the shape
    /// touches.
    ///
    /// If the centre of a polygon is outside the map, near a pole, Valkey 9.1 reads uninitialised memory; this takes
    /// the nearest cell.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let bounds = self.bounds();
        let step = step_for(self.reach(&bounds), self.centre.latitude);
        let mut middle = Cell::around(self.centre, step);
        let too_fine = middle.neighbour(0, 1).area().north < bounds.north
            || middle.neighbour(0, -1).area().south > bounds.south
            || middle.neighbour(1, 0).area().east < bounds.east
            || middle.neighbour(-1, 0).area().west > bounds.west;
        if middle.step > 1 && too_fine {
            middle = Cell::around(self.centre, middle.step - 1);
        }
        let area = middle.area();
        let touches = |east: i8, north: i8| {
            middle.step < 2
                || !(north < 0 && area.south < bounds.south
                    || north > 0 && area.north > bounds.north
                    || east < 0 && area.west < bounds.west
                    || east > 0 && area.east > bounds.east)
        };
        let around = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let mut cells = vec![middle];
        let mut last = None;
        for (east, north) in around.into_iter().filter(|(east, north)| touches(*east, *north)) {
            let cell = middle.neighbour(east, north);
            // On a coarse map several neighbours are the same cell; servers compare each with the one before.
            if last != Some(cell) {
                cells.push(cell);
                last = Some(cell);
            }
        }
        cells
    }
}

fn bounds_of(corners: &[Place]) -> Area {
    // As on servers, an edge starts at the opposite limit of the map and only moves outwards.
    let mut area = Area { west: LONGITUDE.1, east: LONGITUDE.0, south: LATITUDE.1, north: LATITUDE.0 };
    for corner in corners {
        area.west = area.west.min(corner.longitude);
        area.east = area.east.max(corner.longitude);
        area.south = area.south.min(corner.latitude);
        area.north = area.north.max(corner.latitude);
    }
    area
}

/// Whether a line from a place to the east crosses the line between two corners.
fn crosses(place: Place, one: Place, other: Place) -> bool {
    (one.latitude > place.latitude) != (other.latitude > place.latitude)
        && place.longitude
            < (other.longitude - one.longitude) * (place.latitude - one.latitude) / (other.latitude - one.latitude)
                + one.longitude
}

/// The number of bits per coordinate with which nine cells cover a radius of `metres`.
fn step_for(mut metres: f64, latitude: f64) -> u32 {
    if metres == 0.0 {
        return FINEST;
    }
    let mut step = 1_i32;
    // This ends: the smallest double is doubled some 1100 times.
    while metres < MERCATOR_MAX {
        metres *= 2.0;
        step += 1;
    }
    step -= 2;
    // Cells become narrower towards the poles.
    if latitude.abs() > 66.0 {
        step -= 1;
        if latitude.abs() > 80.0 {
            step -= 1;
        }
    }
    step.clamp(1, FINEST.cast_signed()).cast_unsigned()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "to the bit")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scores_and_distances_are_those_of_servers() {
        let palermo = Place { longitude: 13.361_389, latitude: 38.115_556 };
        let catania = Place { longitude: 15.087_269, latitude: 37.502_669 };
        assert_eq!((palermo.score(), catania.score()), (3_479_099_956_230_698.0, 3_479_447_370_796_909.0));
        let (palermo, catania) = (Place::of_score(palermo.score()), Place::of_score(catania.score()));
        assert_eq!(palermo.longitude, 13.361_389_338_970_184);
        assert!((palermo.distance(catania) - 166_274.151_6).abs() < 0.001);
    }

    #[test]
    fn any_score_stands_for_some_place() {
        for score in [-1.0, -0.0, 0.0, 1.5, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, 4_503_599_627_370_496.0] {
            assert!(Place::of_score(score).is_valid(), "{score}");
        }
    }

    proptest! {
        #[test]
        fn cells_hold_what_a_circle_covers(
            longitude in -179.0..179.0, latitude in -60.0..60.0,
            east in -0.5..0.5, north in -0.5..0.5, radius in 0.0..60_000.0,
        ) {
            let centre = Place { longitude, latitude };
            let shape = Shape { outline: Outline::Circle { radius }, centre, unit: 1.0 };
            let score = Place { longitude: longitude + east, latitude: latitude + north }.score();
            if shape.distance_to(Place::of_score(score)).is_some() {
                prop_assert!(shape.cells().iter().any(|cell| cell.scores().0 <= score && score < cell.scores().1));
            }
        }

        #[test]
        fn neighbours_lie_side_by_side(longitude in -170.0..170.0, latitude in -80.0..80.0, step in 6..26_u32) {
            let cell = Cell::around(Place { longitude, latitude }, step);
            prop_assert_eq!(cell.neighbour(1, 0).area().west, cell.area().east);
            prop_assert_eq!(cell.neighbour(0, -1).area().north, cell.area().south);
            prop_assert_eq!(cell.neighbour(1, 1).neighbour(-1, -1), cell);
        }
    }
}
