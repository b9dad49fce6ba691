//! Packed encodings, sound and with one defect each.

use proptest::prelude::*;

use super::*;

fn elements<'a>(mut sequence: impl Sequence<'a>) -> Result<Vec<Element<'a>>, At> {
    let mut found = Vec::new();
    while let Some((_, element)) = sequence.next()? {
        found.push(element);
    }
    sequence.finish()?;
    assert_eq!(sequence.count(), found.len() as u64);
    Ok(found)
}

fn in_listpack(blob: &[u8]) -> Result<Vec<Element<'_>>, At> {
    listpack::frame(blob)?;
    elements(listpack::Elements::new(blob))
}

fn in_ziplist(blob: &[u8]) -> Result<Vec<Element<'_>>, At> {
    ziplist::frame(blob)?;
    elements(ziplist::Elements::new(blob))
}

/// A listpack of entries that are given without their backlen, which is one byte.
fn listpack_of(entries: &[&[u8]]) -> Vec<u8> {
    let mut blob = vec![0; 6];
    for entry in entries {
        blob.extend_from_slice(entry);
        blob.push(u8::try_from(entry.len()).unwrap());
    }
    blob.push(0xff);
    let total = u32::try_from(blob.len()).unwrap();
    blob[..4].copy_from_slice(&total.to_le_bytes());
    blob[4..6].copy_from_slice(&u16::try_from(entries.len()).unwrap().to_le_bytes());
    blob
}

/// A ziplist of entries that are given without the length before each, which is one byte.
fn ziplist_of(entries: &[&[u8]]) -> Vec<u8> {
    let mut blob = vec![0; 10];
    let (mut previous, mut tail) = (0, 10);
    for entry in entries {
        tail = blob.len();
        blob.push(previous);
        blob.extend_from_slice(entry);
        previous = u8::try_from(blob.len() - tail).unwrap();
    }
    blob.push(0xff);
    let total = u32::try_from(blob.len()).unwrap();
    blob[..4].copy_from_slice(&total.to_le_bytes());
    blob[4..8].copy_from_slice(&u32::try_from(tail).unwrap().to_le_bytes());
    blob[8..10].copy_from_slice(&u16::try_from(entries.len()).unwrap().to_le_bytes());
    blob
}

/// The blob with some bytes replaced.
fn with(blob: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut blob = blob.to_vec();
    blob[offset..offset + bytes.len()].copy_from_slice(bytes);
    blob
}

fn integers(numbers: &[i64]) -> Vec<Element<'static>> {
    numbers.iter().map(|number| Element::Integer(*number)).collect()
}

#[test]
fn listpack_elements_are_decoded_in_every_encoding() {
    let blob = listpack_of(&[
        b"\x00",
        b"\x7f",
        b"\xcf\xff",
        b"\xd0\x00",
        b"\xf1\xff\x7f",
        b"\xf1\x00\x80",
        b"\xf2\x00\x00\x80",
        b"\xf3\x00\x00\x00\x80",
        b"\xf4\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xf4\x00\x00\x00\x00\x00\x00\x00\x80",
    ]);
    let numbers = [0, 127, 4095, -4096, 32767, -32768, -8_388_608, -2_147_483_648, i64::MAX, i64::MIN];
    assert_eq!(in_listpack(&blob).unwrap(), integers(&numbers));
    let blob = listpack_of(&[b"\x80", b"\x82ab", b"\xe0\x03abc", b"\xf0\x04\x00\x00\x00abcd"]);
    let strings: Vec<_> = [&b""[..], b"ab", b"abc", b"abcd"].into_iter().map(Element::Bytes).collect();
    assert_eq!(in_listpack(&blob).unwrap(), strings);
    assert_eq!(in_listpack(&listpack_of(&[])).unwrap(), []);
}

#[test]
fn every_lie_of_a_listpack_is_found_where_it_is() {
    let good = listpack_of(&[b"\x81a", b"\x82bb", b"\x05"]);
    assert!(in_listpack(&good).is_ok());
    let uncounted = with(&good, 4, b"\xff\xff");
    assert!(in_listpack(&uncounted).is_ok());
    for (blob, offset, fault) in [
        (good[..6].to_vec(), 0, PackedFault::TooShort),
        (with(&good, 0, b"\x09"), 0, PackedFault::TotalBytes { claimed: 9, actual: 16 }),
        (with(&good, 15, b"\xfe"), 15, PackedFault::NoTerminator),
        (with(&good, 9, b"\xff"), 9, PackedFault::EarlyTerminator),
        (with(&good, 9, b"\xf7"), 9, PackedFault::Encoding(0xf7)),
        (with(&good, 9, b"\xbf"), 9, PackedFault::EntryOverrun),
        (with(&good, 9, b"\xf0\xff\xff\xff\xff"), 9, PackedFault::EntryOverrun),
        (with(&good, 13, b"\xf4"), 13, PackedFault::EntryOverrun),
        (with(&good, 12, b"\x04"), 12, PackedFault::Backlen),
        (with(&good, 12, b"\x83"), 12, PackedFault::Backlen),
        (with(&good, 4, b"\x07"), 4, PackedFault::Count { claimed: 7, actual: 3 }),
    ] {
        assert_eq!(in_listpack(&blob), Err(At { offset, fault }), "{blob:x?}");
    }
}

#[test]
fn long_listpack_entries_carry_their_length_in_as_many_bytes_as_it_takes() {
    for (length, behind) in [
        (200, &b"\x01\xca"[..]),
        (16_380, b"\x01\x80\x81"),
        (20_000, b"\x01\x9c\xa5"),
        (3_000_000, b"\x01\xb7\x8d\xc5"),
    ] {
        let mut blob = vec![0; 6];
        if length < 4096 {
            blob.extend_from_slice(&[0xe0 | u8::try_from(length >> 8).unwrap(), u8::try_from(length & 0xff).unwrap()]);
        } else {
            blob.push(0xf0);
            blob.extend_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
        }
        blob.resize(blob.len() + length, b'x');
        let size = blob.len() - 6;
        // Seven bits per byte, the most significant first; all but the first say that another one precedes.
        let mut back: Vec<u8> = (0..5).map(|index| u8::try_from(size >> (7 * index) & 0x7f).unwrap() | 0x80).collect();
        back.truncate(behind.len());
        back.reverse();
        back[0] &= 0x7f;
        assert_eq!(back.len(), behind.len());
        blob.extend_from_slice(&back);
        blob.push(0xff);
        let total = u32::try_from(blob.len()).unwrap();
        blob[..4].copy_from_slice(&total.to_le_bytes());
        blob[4] = 1;
        assert_eq!(in_listpack(&blob).unwrap().len(), 1, "{length}");
        let last = blob.len() - 2;
        blob[last] ^= 1;
        assert_eq!(in_listpack(&blob).unwrap_err().fault, PackedFault::Backlen, "{length}");
    }
}

#[test]
fn ziplist_elements_are_decoded_in_every_encoding() {
    let blob = ziplist_of(&[
        b"\xf1",
        b"\xfd",
        b"\xfe\x80",
        b"\xc0\xff\x7f",
        b"\xf0\x00\x00\x80",
        b"\xd0\x00\x00\x00\x80",
        b"\xe0\x00\x00\x00\x00\x00\x00\x00\x80",
    ]);
    let numbers = [0, 12, -128, 32767, -8_388_608, -2_147_483_648, i64::MIN];
    assert_eq!(in_ziplist(&blob).unwrap(), integers(&numbers));
    let blob = ziplist_of(&[b"\x00", b"\x02ab", b"\x40\x03abc", b"\x80\x00\x00\x00\x04abcd"]);
    let strings: Vec<_> = [&b""[..], b"ab", b"abc", b"abcd"].into_iter().map(Element::Bytes).collect();
    assert_eq!(in_ziplist(&blob).unwrap(), strings);
    assert_eq!(in_ziplist(&ziplist_of(&[])).unwrap(), []);
}

#[test]
fn every_lie_of_a_ziplist_is_found_where_it_is() {
    // 10: 00 01 a, 13: 03 02 b b, 17: 04 f6, 19: ff
    let good = ziplist_of(&[b"\x01a", b"\x02bb", b"\xf6"]);
    assert!(in_ziplist(&good).is_ok());
    assert!(in_ziplist(&with(&good, 8, b"\xff\xff")).is_ok());
    for (blob, offset, fault) in [
        (good[..10].to_vec(), 0, PackedFault::TooShort),
        (with(&good, 0, b"\x09"), 0, PackedFault::TotalBytes { claimed: 9, actual: 20 }),
        (with(&good, 19, b"\xfe"), 19, PackedFault::NoTerminator),
        (with(&good, 13, b"\xff"), 13, PackedFault::EarlyTerminator),
        (with(&good, 14, b"\xc5"), 14, PackedFault::Encoding(0xc5)),
        (with(&good, 14, b"\x3f"), 14, PackedFault::EntryOverrun),
        (with(&good, 14, b"\xbf"), 14, PackedFault::EntryOverrun),
        (with(&good, 13, b"\xfe"), 13, PackedFault::PreviousLength { claimed: 0x04_62_62_02, actual: 3 }),
        (with(&good, 13, b"\x04"), 13, PackedFault::PreviousLength { claimed: 4, actual: 3 }),
        (with(&good, 10, b"\x01"), 10, PackedFault::PreviousLength { claimed: 1, actual: 0 }),
        (with(&good, 4, b"\x0d"), 4, PackedFault::Tail { claimed: 13, actual: 17 }),
        (with(&good, 4, b"\x14"), 4, PackedFault::Tail { claimed: 20, actual: 19 }),
        (with(&good, 8, b"\x02"), 8, PackedFault::Count { claimed: 2, actual: 3 }),
    ] {
        assert_eq!(in_ziplist(&blob).map_err(|at| (at.offset, at.fault)), Err((offset, fault)), "{blob:x?}");
    }
}

#[test]
fn a_ziplist_entry_behind_a_long_one_states_five_bytes() {
    let long = [b"\x41\x2c".to_vec(), vec![b'x'; 300]].concat();
    let mut blob = vec![0; 10];
    blob.push(0);
    blob.extend_from_slice(&long);
    let tail = blob.len();
    blob.push(0xfe);
    blob.extend_from_slice(&303_u32.to_le_bytes());
    blob.extend_from_slice(b"\x01y\xff");
    let total = u32::try_from(blob.len()).unwrap();
    blob[..4].copy_from_slice(&total.to_le_bytes());
    blob[4..8].copy_from_slice(&u32::try_from(tail).unwrap().to_le_bytes());
    blob[8] = 2;
    assert_eq!(in_ziplist(&blob).unwrap()[1], Element::Bytes(b"y"));
    blob[tail + 1] ^= 1;
    let fault = PackedFault::PreviousLength { claimed: 302, actual: 303 };
    assert_eq!(in_ziplist(&blob), Err(At { offset: tail, fault }));
}

#[test]
fn intsets_hold_their_members_in_order() {
    let blob = [&b"\x02\0\0\0\x03\0\0\0"[..], b"\xfb\xff", b"\0\0", b"\x07\0"].concat();
    let members = intset::frame(&blob).unwrap();
    assert_eq!((members.count(), members.iter().collect::<Vec<_>>()), (3, vec![-5, 0, 7]));
    assert!(members.ascend().is_ok());
    let equal = with(&blob, 12, b"\0\0");
    assert_eq!(intset::frame(&equal).unwrap().ascend(), Err(At { offset: 12, fault: PackedFault::Order }));
    for (blob, fault) in [
        (blob[..7].to_vec(), PackedFault::TooShort),
        (with(&blob, 0, b"\x03"), PackedFault::Width(3)),
        (with(&blob, 4, b"\x02"), PackedFault::TotalBytes { claimed: 12, actual: 14 }),
        (with(&blob, 4, b"\xff\xff\xff\xff"), PackedFault::TotalBytes { claimed: 8_589_934_598, actual: 14 }),
        (b"\x08\0\0\0\0\0\0\0".to_vec(), PackedFault::Empty),
    ] {
        assert_eq!(intset::frame(&blob).map(|_| ()).unwrap_err().fault, fault);
    }
}

type FieldValue<'a> = (&'a [u8], &'a [u8]);

fn in_zipmap(blob: &[u8]) -> Result<Vec<FieldValue<'_>>, At> {
    zipmap::frame(blob)?;
    let mut pairs = zipmap::Pairs::new(blob);
    let mut found = Vec::new();
    while let Some(pair) = pairs.next_pair()? {
        found.push((pair.field, pair.value));
    }
    pairs.finish()?;
    Ok(found)
}

#[test]
fn zipmaps_hold_pairs_and_unused_bytes() {
    let blob = b"\x02\x01f\x02\x03vv...\x00\x00\x00\xff";
    assert_eq!(in_zipmap(blob).unwrap(), [(&b"f"[..], &b"vv"[..]), (b"", b"")]);
    let long = b"\x01\xfe\x01\0\0\0f\xfe\x02\0\0\0\0vv\xff";
    assert_eq!(in_zipmap(long).unwrap(), [(&b"f"[..], &b"vv"[..])]);
    for (blob, offset, fault) in [
        (&b"\x00"[..], 0, PackedFault::TooShort),
        (b"\x01\x01f\x01\0v", 5, PackedFault::NoTerminator),
        (b"\x00\xff", 1, PackedFault::Empty),
        (b"\x02\x01f\x01\0v\xff", 0, PackedFault::Count { claimed: 2, actual: 1 }),
        (b"\x01\x01f\x02\0v\xff", 1, PackedFault::EntryOverrun),
        (b"\x01\x01f\x01\x01v\xff", 1, PackedFault::EntryOverrun),
        (b"\x01\x09f\x01\0v\xff", 1, PackedFault::EntryOverrun),
        (b"\x01\xfe\xff\xff\xff\xff\xff", 1, PackedFault::EntryOverrun),
    ] {
        assert_eq!(in_zipmap(blob), Err(At { offset, fault }), "{blob:x?}");
    }
    // No server uses the count of a header of 254, or reads beyond the terminator.
    assert!(in_zipmap(b"\xfe\x01f\x01\0v\xff").is_ok());
    assert!(in_zipmap(b"\x01\x01f\x01\0v\xffxx\xff").is_ok());
}

proptest! {
    #[test]
    fn arbitrary_blobs_end_within_their_bytes(mut blob in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = (in_zipmap(&blob), intset::frame(&blob).map(|members| members.iter().count()));
        if blob.len() > 10 {
            // With a valid frame, the entries are checked.
            let total = u32::try_from(blob.len()).unwrap();
            blob[..4].copy_from_slice(&total.to_le_bytes());
            blob[4..8].copy_from_slice(&10_u32.to_le_bytes());
            *blob.last_mut().unwrap() = 0xff;
        }
        for result in [in_listpack(&blob), in_ziplist(&blob)] {
            match result {
                Ok(elements) => prop_assert!(elements.len() < 80),
                Err(at) => prop_assert!(at.offset <= blob.len()),
            }
        }
    }
}
