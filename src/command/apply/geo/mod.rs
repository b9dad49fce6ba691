//! The commands on geospatial indexes.

mod geohash;
mod nearest;

use geohash::{Outline, Place, Shape};
use nearest::{Direction, nearest_first};

use super::sorted_set::{Existing, Options, add_pairs, is, store};
use super::{Call, Failure};
use crate::resp::parse_integer;
use crate::server::Server;
use crate::value::score::parse_score;
use crate::value::{Bytes, ScoreRange, SortedSet};

/// `GEOADD key [NX|XX] [CH] longitude latitude member …`
pub(in crate::command) fn geoadd(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let (mut index, mut absent, mut present) = (2, false, false);
    while let Some(word) = call.arguments.get(index) {
        match word {
            word if is(word, "nx") => absent = true,
            word if is(word, "xx") => present = true,
            word if is(word, "ch") => {}
            _ => break,
        }
        index += 1;
    }
    let triples = call.arguments_from(index);
    if triples.is_empty() || !triples.len().is_multiple_of(3) {
        return Err(Failure::Syntax);
    }
    let existing = match (absent, present) {
        (false, false) => Existing::Any,
        (true, false) => Existing::Absent,
        (false, true) => Existing::Present,
        (true, true) => return Err(Failure::Syntax),
    };
    let mut pairs = Vec::with_capacity(triples.len() / 3);
    for triple in triples.chunks_exact(3) {
        if let [longitude, latitude, member] = triple {
            pairs.push((place(longitude, latitude, call.server)?.score(), *member));
        }
    }
    add_pairs(call, key, Options::touching(existing), pairs.into_iter())
}

/// An argument that is a coordinate or a length.
fn float(text: &[u8], server: Server) -> Result<f64, Failure> {
    parse_score(text, server.float_syntax()).ok_or(Failure::NotAFloat)
}

fn place(longitude: &[u8], latitude: &[u8], server: Server) -> Result<Place, Failure> {
    let place = Place { longitude: float(longitude, server)?, latitude: float(latitude, server)? };
    if place.is_valid() { Ok(place) } else { Err(Failure::other("invalid longitude,latitude pair")) }
}

/// The length of a unit in metres.
fn unit(name: &[u8]) -> Result<f64, Failure> {
    match name {
        name if is(name, "m") => Ok(1.0),
        name if is(name, "km") => Ok(1000.0),
        name if is(name, "ft") => Ok(0.3048),
        name if is(name, "mi") => Ok(1609.34),
        _ => Err(Failure::other("unsupported unit provided. please use M, KM, FT, MI")),
    }
}

fn length(text: &[u8], server: Server) -> Result<f64, Failure> {
    let length = float(text, server)?;
    if length < 0.0 { Err(Failure::other("radius cannot be negative")) } else { Ok(length) }
}

/// The scores of the stored members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// The scores of the source.
    Scores,
    /// STOREDIST: the distances from the centre.
    Distances,
}

/// The arguments of a search, from any of the commands.
#[derive(Debug, Clone)]
struct Search<'a> {
    /// The server whose syntax of numbers applies.
    server: Server,
    destination: Option<&'a [u8]>,
    stored: Stored,
    centre: Option<Place>,
    outline: Option<(Outline, f64)>,
    polygon: Option<Shape>,
    order: Option<Direction>,
    count: Option<usize>,
    /// ANY: the first matches, not the nearest.
    any: bool,
    /// WITHCOORD and the like, which exclude STORE.
    with_more: bool,
}

impl<'a> Search<'a> {
    const fn new(server: Server) -> Self {
        Self {
            server,
            destination: None,
            stored: Stored::Scores,
            centre: None,
            outline: None,
            polygon: None,
            order: None,
            count: None,
            any: false,
            with_more: false,
        }
    }

    /// Reads an option that every search has, and returns the words after it; `None` if `word` is another option.
    fn common<'c>(&mut self, word: &[u8], rest: &'c [&'a [u8]]) -> Result<Option<&'c [&'a [u8]]>, Failure> {
        if ["withdist", "withhash", "withcoord"].iter().any(|option| is(word, option)) {
            self.with_more = true;
        } else if is(word, "any") {
            self.any = true;
        } else if is(word, "asc") {
            self.order = Some(Direction::Nearest);
        } else if is(word, "desc") {
            self.order = Some(Direction::Farthest);
        } else if is(word, "count")
            && let [count, rest @ ..] = rest
        {
            let count = parse_integer(count).ok_or(Failure::NotAnInteger)?;
            if count <= 0 {
                return Err(Failure::other("COUNT must be > 0"));
            }
            self.count = Some(usize::try_from(count).unwrap_or(usize::MAX));
            return Ok(Some(rest));
        } else {
            return Ok(None);
        }
        Ok(Some(rest))
    }

    /// The options of GEORADIUS and GEORADIUSBYMEMBER.
    fn radius_options(&mut self, mut words: &[&'a [u8]]) -> Result<(), Failure> {
        while let Some((word, rest)) = words.split_first() {
            words = if let Some(rest) = self.common(word, rest)? {
                rest
            } else if let Some((key, rest)) = rest.split_first()
                && (is(word, "store") || is(word, "storedist"))
            {
                self.destination = Some(key);
                self.stored = if is(word, "store") { Stored::Scores } else { Stored::Distances };
                rest
            } else {
                return Err(Failure::Syntax);
            };
        }
        Ok(())
    }

    /// The options of GEOSEARCHSTORE. `find` returns the place of a member of the source.
    fn search_options(
        &mut self,
        mut words: &[&'a [u8]],
        find: impl Fn(&[u8]) -> Result<Place, Failure>,
    ) -> Result<(), Failure> {
        let (mut by_member, mut by_place) = (false, false);
        while let Some((word, rest)) = words.split_first() {
            words = match rest {
                _ if is(word, "storedist") => {
                    self.stored = Stored::Distances;
                    rest
                }
                [member, rest @ ..] if is(word, "frommember") && !by_place && self.polygon.is_none() => {
                    self.centre = Some(find(member)?);
                    by_member = true;
                    rest
                }
                [longitude, latitude, rest @ ..] if is(word, "fromlonlat") && !by_member && self.polygon.is_none() => {
                    self.centre = Some(place(longitude, latitude, self.server)?);
                    by_place = true;
                    rest
                }
                [radius, name, rest @ ..] if is(word, "byradius") && self.takes_outline(false) => {
                    self.outline = Some((Outline::Circle { radius: length(radius, self.server)? }, unit(name)?));
                    rest
                }
                [width, height, name, rest @ ..] if is(word, "bybox") && self.takes_outline(true) => {
                    let (width, height) = (length(width, self.server)?, length(height, self.server)?);
                    self.outline = Some((Outline::Box { width, height }, unit(name)?));
                    rest
                }
                [number, _, ..] if is(word, "bypolygon") && self.outline.is_none() && self.centre.is_none() => {
                    let (shape, rest) = polygon(number, rest.get(1..).unwrap_or_default(), self.server)?;
                    self.polygon = Some(shape);
                    rest
                }
                _ => self.common(word, rest)?.ok_or(Failure::Syntax)?,
            };
        }
        Ok(())
    }

    /// Whether a box or a circle is accepted now: only one of the two, but that one may be repeated.
    fn takes_outline(&self, is_box: bool) -> bool {
        self.polygon.is_none()
            && self.outline.as_ref().is_none_or(|(outline, _)| matches!(outline, Outline::Box { .. }) == is_box)
    }

    /// The shape to search.
    fn shape(&self) -> Result<Shape, Failure> {
        if self.destination.is_some() && self.with_more {
            return Err(Failure::other("STORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"));
        }
        let shape = match (&self.polygon, self.centre, &self.outline) {
            (Some(shape), ..) => shape.clone(),
            (None, None, _) => {
                return Err(Failure::other("exactly one of FROMMEMBER or FROMLONLAT can be specified"));
            }
            (None, Some(_), None) => {
                return Err(Failure::other("exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified"));
            }
            (None, Some(centre), Some((outline, unit))) => Shape { outline: outline.clone(), centre, unit: *unit },
        };
        if self.any && self.count.is_none() {
            return Err(Failure::other("the ANY argument requires COUNT argument"));
        }
        Ok(shape)
    }

    /// The members of a set that a search finds.
    fn run<'s>(&self, set: &mut SortedSet<'s>, shape: &Shape) -> SortedSet<'s> {
        let limit = if self.any { self.count } else { None }.unwrap_or(usize::MAX);
        let mut found: Vec<(f64, f64, Bytes<'s>)> = Vec::new();
        set.put_in_order();
        for cell in shape.cells() {
            let (min, max) = cell.scores();
            let ranks = set.ranks_by_score(ScoreRange { min, min_excluded: false, max, max_excluded: true });
            for (name, score) in set.names_from(ranks.start).take(ranks.len()) {
                if found.len() >= limit {
                    break;
                }
                if let Some(distance) = shape.distance_to(Place::of_score(score)) {
                    found.push((distance, score, name.to_bytes()));
                }
            }
        }
        let count = self.count.unwrap_or(usize::MAX).min(found.len());
        // Without an order, COUNT takes the nearest, or with ANY those that were found first.
        let order = self.order.or(if self.any { None } else { Some(Direction::Nearest) });
        if let Some(order) = order
            && count < found.len()
        {
            nearest_first(&mut found, count, order);
        }
        let mut result = SortedSet::for_count(count);
        for (distance, score, name) in found.into_iter().take(count) {
            let stored = match self.stored {
                Stored::Scores => score,
                Stored::Distances => distance / shape.unit,
            };
            result.insert(name, stored);
        }
        result
    }
}

/// `number longitude latitude …`, at least three corners; also the words after them.
fn polygon<'c, 'a>(number: &[u8], words: &'c [&'a [u8]], server: Server) -> Result<(Shape, &'c [&'a [u8]]), Failure> {
    let number = parse_integer(number)
        .and_then(|number| i32::try_from(number).ok())
        .ok_or(Failure::other("invalid number of vertices"))?;
    let corners = usize::try_from(number).ok().filter(|number| *number >= 3);
    let (corners, rest) = corners
        .and_then(|number| words.split_at_checked(number.checked_mul(2)?))
        .ok_or(Failure::other("GEOSEARCH BYPOLYGON must have at least 3 vertices"))?;
    let mut places = Vec::with_capacity(corners.len() / 2);
    for corner in corners.chunks_exact(2) {
        if let [longitude, latitude] = corner {
            places.push(place(longitude, latitude, server)?);
        }
    }
    Ok((Shape::polygon(places), rest))
}

/// The place of a member of a set. If there is no set, any place will do.
fn member_place(set: Option<&SortedSet<'_>>, member: &[u8]) -> Result<Place, Failure> {
    let Some(set) = set else { return Ok(Place { longitude: 0.0, latitude: 0.0 }) };
    set.score(member).map(Place::of_score).ok_or(Failure::other("could not decode requested zset member"))
}

/// Searches, and stores the result.
fn search_and_store<'a>(call: &mut Call<'_, 'a>, source: &[u8], search: &Search<'a>) -> Result<(), Failure> {
    let shape = search.shape()?;
    // Without STORE it changes nothing.
    let Some(destination) = search.destination else { return Ok(()) };
    let result = call.sorted_set(source)?.map(|set| search.run(set, &shape)).unwrap_or_default();
    store(call, destination, result);
    Ok(())
}

/// `GEORADIUS key longitude latitude radius unit [ASC|DESC] [COUNT count [ANY]] [STORE key|STOREDIST key]`
pub(in crate::command) fn georadius(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let source = call.argument(1)?;
    call.sorted_set(source)?;
    let mut search = Search::new(call.server);
    search.centre = Some(place(call.argument(2)?, call.argument(3)?, call.server)?);
    let radius = length(call.argument(4)?, call.server)?;
    search.outline = Some((Outline::Circle { radius }, unit(call.argument(5)?)?));
    search.radius_options(call.arguments_from(6))?;
    search_and_store(call, source, &search)
}

/// `GEORADIUSBYMEMBER key member radius unit [ASC|DESC] [COUNT count [ANY]] [STORE key|STOREDIST key]`
pub(in crate::command) fn georadiusbymember(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (source, member) = (call.argument(1)?, call.argument(2)?);
    let (radius, name) = (call.argument(3)?, call.argument(4)?);
    let server = call.server;
    let mut search = Search::new(server);
    let set = call.sorted_set(source)?;
    search.centre = Some(member_place(set.as_deref(), member)?);
    search.outline = Some(match set {
        Some(_) => (Outline::Circle { radius: length(radius, server)? }, unit(name)?),
        // Servers do not read the radius if there is no source.
        None => (Outline::Circle { radius: 0.0 }, 1.0),
    });
    search.radius_options(call.arguments_from(5))?;
    search_and_store(call, source, &search)
}

/// `GEOSEARCHSTORE destination source FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS radius unit|BYBOX width
/// height unit [ASC|DESC] [COUNT count [ANY]] [STOREDIST]`, or of Valkey 9 `BYPOLYGON number longitude latitude …`
pub(in crate::command) fn geosearchstore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (destination, source) = (call.argument(1)?, call.argument(2)?);
    let words = call.arguments_from(3);
    let mut search = Search::new(call.server);
    search.destination = Some(destination);
    let set = call.sorted_set(source)?;
    let set = set.as_deref();
    search.search_options(words, |member| member_place(set, member))?;
    search_and_store(call, source, &search)
}

#[cfg(test)]
mod tests;
