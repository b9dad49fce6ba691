//! XADD, XTRIM, XSETID.

use super::idempotence::{Idempotency, is_duplicate};
use super::{not_negative, parse_id, parse_references};
use crate::command::apply::{Call, Failure};
use crate::resp::parse_integer;
use crate::value::{Bound, Bytes, Fields, Precision, References, Stream, StreamId, Value};

/// The most bytes that an entry's fields and values have together (`STREAM_LISTPACK_MAX_SIZE`).
const MOST_BYTES: usize = 1 << 30;

/// The id that XADD asks for.
#[derive(Debug, Clone, Copy)]
enum NewId {
    /// `*`: the time, or the id end the last.
    Now,
    /// `ms-*`: the next sequence within the milliseconds.
    Within(u64),
    Given(StreamId),
}

impl NewId {
    fn parse(text: &[u8]) -> Result<Self, Failure> {
        if text == b"*" {
            return Ok(Self::Now);
        }
        let given = parse_id(text).map(Self::Given);
        given.or_else(|failure| StreamId::parse_open(text).map(Self::Within).ok_or(failure))
    }

    /// The id of an entry that is appended after `last` (`streamAppendItem`); `None` if it would not be greater.
    fn id_after(self, last: StreamId, now: i64) -> Option<StreamId> {
        let id = match self {
            Self::Now => {
                let now = StreamId::new(u64::try_from(now).unwrap_or_default(), 0);
                if now.milliseconds > last.milliseconds { now } else { last.next()? }
            }
            Self::Within(milliseconds) if milliseconds == last.milliseconds => {
                StreamId::new(milliseconds, last.sequence.checked_add(1)?)
            }
            Self::Within(milliseconds) => StreamId::new(milliseconds, 0),
            Self::Given(id) => id,
        };
        (id > last).then_some(id)
    }
}

/// The command to which the options belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Options {
    Add,
    Trim,
}

/// What XADD does if the key does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Create,
    Leave,
}

/// The options of XADD or XTRIM (`streamParseAddOrTrimArgsOrReply`).
#[derive(Debug)]
struct Parsed<'a> {
    trim: Option<(Bound, Precision)>,
    references: Option<References>,
    missing: Missing,
    id: Option<NewId>,
    idempotency: Option<Idempotency<'a>>,
    /// The index of the argument after the options and the id.
    end: usize,
}

impl Parsed<'_> {
    /// Trims the stream. LIMIT is ignored, as by servers while they load.
    fn trim(&self, stream: &mut Stream<'_>) {
        if let Some((bound, precision)) = self.trim {
            stream.trim(bound, precision, self.references.unwrap_or_default());
        }
    }
}

fn parse_options<'a>(call: &Call<'_, 'a>, options: Options) -> Result<Parsed<'a>, Failure> {
    let mut parsed =
        Parsed { trim: None, references: None, missing: Missing::Create, id: None, idempotency: None, end: 2 };
    let mut limit = 0;
    while let Some(option) = call.arguments.get(parsed.end) {
        let has_more = parsed.end + 1 < call.arguments.len();
        let named = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
        if has_more && (named("MAXLEN") || named("MINID")) {
            parse_trim(call, &mut parsed)?;
        } else if named("LIMIT") && has_more {
            limit = not_negative(call.integer(parsed.end + 1)?, "The LIMIT argument must be >= 0.")?;
            parsed.end += 2;
        } else if options == Options::Add && named("NOMKSTREAM") {
            parsed.missing = Missing::Leave;
            parsed.end += 1;
        } else if parsed.references.is_none()
            && let Some(references) = parse_references(option)
        {
            parsed.references = Some(references);
            parsed.end += 1;
        } else if options == Options::Add && (named("IDMP") || named("IDMPAUTO")) && has_more {
            parse_idempotency(call, &mut parsed)?;
        } else if options == Options::Add {
            parsed.id = Some(NewId::parse(option)?);
            parsed.end += 1;
            break;
        } else {
            return Err(Failure::Syntax);
        }
    }
    if parsed.trim.is_none() && (limit > 0 || options == Options::Trim) {
        return Err(Failure::other("syntax error, a trimming strategy is missing"));
    }
    Ok(parsed)
}

/// `IDMP producer id` or `IDMPAUTO producer`.
fn parse_idempotency<'a>(call: &Call<'_, 'a>, parsed: &mut Parsed<'a>) -> Result<(), Failure> {
    let (idempotency, end) = if call.argument(parsed.end)?.eq_ignore_ascii_case(b"IDMP") {
        let id = call.argument(parsed.end + 2)?;
        (Idempotency { producer: call.argument(parsed.end + 1)?, id: Some(id) }, parsed.end + 3)
    } else {
        (Idempotency { producer: call.argument(parsed.end + 1)?, id: None }, parsed.end + 2)
    };
    if parsed.idempotency.is_some() || idempotency.producer.is_empty() || idempotency.id.is_some_and(<[u8]>::is_empty) {
        return Err(Failure::Syntax);
    }
    parsed.idempotency = Some(idempotency);
    parsed.end = end;
    Ok(())
}

/// `MAXLEN [=|~] n` or `MINID [=|~] id`.
fn parse_trim(call: &Call<'_, '_>, parsed: &mut Parsed<'_>) -> Result<(), Failure> {
    if parsed.trim.is_some() {
        return Err(Failure::other("syntax error, MAXLEN and MINID options at the same time are not compatible"));
    }
    let option = call.argument(parsed.end)?;
    let mut index = parsed.end + 1;
    let mut precision = Precision::Exact;
    if let (&[sign @ (b'~' | b'=')], true) = (call.argument(index)?, index + 1 < call.arguments.len()) {
        index += 1;
        if sign == b'~' {
            precision = Precision::WholeNodes;
        }
    }
    let bound = if option.eq_ignore_ascii_case(b"MAXLEN") {
        let length = not_negative(call.integer(index)?, "The MAXLEN argument must be >= 0.")?;
        Bound::Length(usize::try_from(length).unwrap_or(usize::MAX))
    } else {
        Bound::From(parse_id(call.argument(index)?)?)
    };
    parsed.trim = Some((bound, precision));
    parsed.end = index + 1;
    Ok(())
}

/// `XADD key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [IDMP producer id|IDMPAUTO producer]
/// [MAXLEN|MINID [=|~] threshold [LIMIT n]] *|id field value …`
///
/// With IDMP or IDMPAUTO (Redis 8.6), a duplicate message adds nothing, see [`is_duplicate`].
///
/// An approximate trim removes whole nodes of the layout that a server has after adding the entries one by one. The id
/// `*` stands for the time of the call.
pub(in crate::command) fn xadd(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let parsed = parse_options(call, Options::Add)?;
    let strings = call.arguments_from(parsed.end);
    let id = parsed.id.ok_or(Failure::Arity)?;
    if strings.is_empty() || strings.len() % 2 == 1 {
        return Err(Failure::Arity);
    }
    if strings.iter().map(|string| string.len()).sum::<usize>() > MOST_BYTES {
        return Err(Failure::other("Elements are too large to be stored"));
    }
    let (now, record, expired) = (call.now, call.record, (call.expired_fields, call.diverged));
    let mut stream = call.stream(key)?;
    let message = parsed.idempotency.map(|idempotency| (idempotency.producer, idempotency.id_of(strings)));
    if let (Some((producer, name)), Some(stream)) = (&message, &mut stream)
        && is_duplicate(stream, producer, name, matches!(id, NewId::Now), expired)
    {
        return Ok(());
    }
    let Some(id) = id.id_after(stream.as_ref().map(|stream| stream.last_id()).unwrap_or_default(), now) else {
        return Err(Failure::other("The ID specified in XADD is equal or smaller than the target stream top item"));
    };
    let mut new = None;
    let stream = match (stream, parsed.missing) {
        (Some(stream), _) => stream,
        (None, Missing::Create) => new.insert(Box::default()),
        (None, Missing::Leave) => return Ok(()),
    };
    stream.append(id, Fields::from_arguments(strings, record));
    if let Some((producer, name)) = message {
        stream.idempotence_mut().add(Bytes::borrowed(producer), name, id);
    }
    parsed.trim(stream);
    if let Some(stream) = new {
        call.put(key, Value::Stream(stream));
    }
    Ok(())
}

/// `XTRIM key [KEEPREF|DELREF|ACKED] MAXLEN|MINID [=|~] threshold [LIMIT n]`
pub(in crate::command) fn xtrim(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let parsed = parse_options(call, Options::Trim)?;
    if let Some(stream) = call.stream(key)? {
        parsed.trim(stream);
    }
    Ok(())
}

/// `XSETID key last-id [ENTRIESADDED n] [MAXDELETEDID id]`
pub(in crate::command) fn xsetid(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let id = parse_id(call.argument(2)?)?;
    let (mut entries_added, mut max_deleted) = (None, StreamId::ZERO);
    for option in call.arguments_from(3).chunks(2) {
        let &[name, value] = option else { return Err(Failure::Syntax) };
        if name.eq_ignore_ascii_case(b"ENTRIESADDED") {
            let count = parse_integer(value).ok_or(Failure::NotAnInteger)?;
            entries_added = Some(not_negative(count, "entries_added must be positive")?);
        } else if name.eq_ignore_ascii_case(b"MAXDELETEDID") {
            max_deleted = parse_id(value)?;
            if id < max_deleted {
                return Err(Failure::other(
                    "The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
        } else {
            return Err(Failure::Syntax);
        }
    }
    let stream = call.stream(key)?.ok_or(Failure::NoSuchKey)?;
    if id < stream.max_deleted_id() {
        return Err(Failure::other("The ID specified in XSETID is smaller than current max_deleted_entry_id"));
    }
    if id < stream.log().top_id() {
        return Err(Failure::other("The ID specified in XSETID is smaller than the target stream top item"));
    }
    if entries_added.is_some_and(|count| count < stream.len() as u64) {
        return Err(Failure::other("The entries_added specified in XSETID is smaller than the target stream length"));
    }
    stream.set_last_id(id);
    if let Some(count) = entries_added {
        stream.set_entries_added(count);
    }
    if max_deleted != StreamId::ZERO {
        stream.set_max_deleted_id(max_deleted);
    }
    Ok(())
}
