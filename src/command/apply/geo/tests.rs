use super::super::testing::Replica;
use crate::value::Value;

fn held(replica: &Replica, key: &str) -> Vec<(String, f64)> {
    match replica.value(key) {
        None => Vec::new(),
        Some(Value::SortedSet(set)) => {
            set.iter().map(|(name, score)| (String::from_utf8_lossy(name).into_owned(), score)).collect()
        }
        Some(value) => panic!("{key} is a {}", value.type_name()),
    }
}

fn names(replica: &Replica, key: &str) -> String {
    let mut names: Vec<String> = held(replica, key).into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.join(" ")
}

fn sicily() -> Replica {
    let mut replica = Replica::default();
    replica.line("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1").unwrap();
    replica.line("GEOADD g NX 17.241510 38.788135 edge2 0 0 Palermo").unwrap();
    replica
}

#[test]
fn places_become_scores() {
    let mut replica = sicily();
    assert!(held(&replica, "g").contains(&("Palermo".to_owned(), 3_479_099_956_230_698.0)));
    replica.line("GEOADD g XX CH 0 0 Palermo 1 1 nowhere").unwrap();
    assert_eq!(held(&replica, "g").last().unwrap(), &("edge2".to_owned(), 3_481_342_659_049_484.0));
    assert_eq!(names(&replica, "g"), "Catania Palermo edge1 edge2");
    for line in [
        "GEOADD g 181 0 far",
        "GEOADD g 0 86 far",
        "GEOADD g nan 0 far",
        "GEOADD g 0 0 one 0 0",
        "GEOADD g NX XX 0 0 one",
        "GEOADD g CH",
        "GEOADD g",
        "GEOADD",
    ] {
        let before = held(&replica, "g");
        assert!(replica.line(line).is_err(), "{line}");
        assert_eq!(held(&replica, "g"), before, "{line}");
    }
}

#[test]
fn searches_are_stored() {
    for (line, expected) in [
        ("GEORADIUS g 15 37 200 km STORE z", "Catania Palermo"),
        ("GEORADIUS g 15 37 200 km STORE other STOREDIST z", "Catania Palermo"),
        ("GEORADIUS g 15 37 200 KM COUNT 1 STORE z", "Catania"),
        ("GEORADIUS g 15 37 200 km COUNT 1 DESC STORE z", "Palermo"),
        ("GEORADIUS g 15 37 200000 m ASC STORE z", "Catania Palermo"),
        ("GEORADIUS g 15 37 656168 ft STORE z", "Catania Palermo"),
        ("GEORADIUS g 15 37 50 mi STORE z", "Catania"),
        ("GEORADIUS g 15 37 1 m STORE z", ""),
        ("GEORADIUS none 15 37 1 m STORE z", ""),
        ("GEORADIUS g 15 37 200 km", "before"),
        ("GEORADIUS g 15 37 200 km WITHDIST", "before"),
        ("GEORADIUSBYMEMBER g Palermo 200 km STOREDIST z", "Catania Palermo edge1"),
        ("GEORADIUSBYMEMBER none Palermo x y STORE z", ""),
        ("GEOSEARCHSTORE z g FROMLONLAT 15 37 BYRADIUS 200 km", "Catania Palermo"),
        ("GEOSEARCHSTORE z g FROMLONLAT 15 37 BYBOX 400 400 km ASC", "Catania Palermo edge1 edge2"),
        ("GEOSEARCHSTORE z g FROMMEMBER Catania BYRADIUS 0 m STOREDIST", "Catania"),
        ("GEOSEARCHSTORE z g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 DESC", "edge1 edge2"),
        ("GEOSEARCHSTORE z none FROMMEMBER x BYRADIUS 1 m", ""),
        ("GEOSEARCHSTORE z g BYPOLYGON 3 12 37 16 37 14 40 STOREDIST", "Catania Palermo"),
        ("GEOSEARCHSTORE z z FROMLONLAT 15 37 BYRADIUS 200 km", ""),
    ] {
        let mut replica = sicily();
        replica.line("ZADD z 1 before").unwrap();
        replica.line(line).unwrap_or_else(|failure| panic!("{line}: {failure}"));
        assert_eq!(names(&replica, "z"), expected, "{line}");
        assert_eq!(names(&replica, "other"), "", "{line}");
    }
}

#[test]
fn any_takes_what_it_finds_first() {
    let mut replica = sicily();
    replica.line("GEOSEARCHSTORE z g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 ANY").unwrap();
    assert_eq!(held(&replica, "z").len(), 2);
    replica.line("GEORADIUS g 15 37 200 km COUNT 9 ANY STOREDIST z").unwrap();
    let distances: Vec<f64> = held(&replica, "z").into_iter().map(|(_, distance)| distance.round()).collect();
    assert_eq!(distances, [56.0, 190.0]);
}

#[test]
fn searches_that_make_no_sense_change_nothing() {
    for line in [
        "GEORADIUS g 15 37 200 km WITHDIST STORE z",
        "GEORADIUS g 15 37 200 km STORE",
        "GEORADIUS g 15 37 -1 km STORE z",
        "GEORADIUS g 15 37 1 au STORE z",
        "GEORADIUS g 15 97 1 km STORE z",
        "GEORADIUS g 15 37 1 km COUNT 0 STORE z",
        "GEORADIUS g 15 37 1 km ANY STORE z",
        "GEORADIUS g 15 37 1",
        "GEORADIUSBYMEMBER g nobody 1 km STORE z",
        "GEORADIUSBYMEMBER g Palermo 1",
        "GEOSEARCHSTORE z g FROMMEMBER nobody BYRADIUS 1 km",
        "GEOSEARCHSTORE z g BYRADIUS 1 km",
        "GEOSEARCHSTORE z g FROMLONLAT 15 37",
        "GEOSEARCHSTORE z g FROMLONLAT 15 37 FROMMEMBER Palermo BYRADIUS 1 km",
        "GEOSEARCHSTORE z g FROMLONLAT 15 37 BYRADIUS 1 km BYBOX 1 1 km",
        "GEOSEARCHSTORE z g FROMLONLAT 15 37 BYRADIUS 1 km STORE z",
        "GEOSEARCHSTORE z g FROMLONLAT 15 37 BYPOLYGON 3 12 37 16 37 14 40",
        "GEOSEARCHSTORE z g BYPOLYGON 2 12 37 16 37",
        "GEOSEARCHSTORE z g BYPOLYGON 3 12 37 16 37",
        "GEOSEARCHSTORE z g BYPOLYGON 9223372036854775807 12 37 16 37",
        "GEOSEARCHSTORE z g",
        "GEOSEARCHSTORE z",
    ] {
        let mut replica = sicily();
        replica.line("ZADD z 1 before").unwrap();
        assert!(replica.line(line).is_err(), "{line}");
        assert_eq!(names(&replica, "z"), "before", "{line}");
    }
}
