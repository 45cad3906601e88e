//! The region: Inner Mongolia with its 12 leagues and cities and one regional centre, and below them
//! institutions and laboratories. Places are real, institutions are invented.
//!
//! The table is data (`data/places.csv`), one institution a line:
//! `centre (zh|en), kind, zh, en, fields`, one laboratory for each of `fields`; universities,
//! institutes and hospitals have a shared platform besides.

use crate::registry::NodeKind;

use super::classes;

const TABLE: &str = include_str!("data/places.csv");

/// The region's names.
const REGION: (&str, &str) = ("内蒙古自治区", "Inner Mongolia");

/// Kinds of laboratory: field, Chinese name, English name.
const FIELDS: [(&str, &str, &str); 14] = [
    ("mat", "材料分析实验室", "Materials Analysis Laboratory"),
    ("metal", "冶金与金属实验室", "Metals Laboratory"),
    ("chem", "化学分析实验室", "Chemical Analysis Laboratory"),
    ("bio", "生命科学实验室", "Life Sciences Laboratory"),
    ("med", "临床检验实验室", "Clinical Laboratory"),
    ("env", "环境监测实验室", "Environmental Laboratory"),
    ("geo", "地质与矿物实验室", "Geology and Minerals Laboratory"),
    (
        "agri",
        "农牧与草业实验室",
        "Agriculture and Grassland Laboratory",
    ),
    ("food", "食品检测实验室", "Food Testing Laboratory"),
    ("phys", "物理测试实验室", "Physics Laboratory"),
    ("mech", "力学性能实验室", "Mechanical Testing Laboratory"),
    ("energy", "能源与动力实验室", "Energy Laboratory"),
    ("elec", "电子测量实验室", "Electronics Laboratory"),
    ("metr", "计量校准实验室", "Metrology Laboratory"),
];

/// The shared platform of a large institution: it owns instruments of every field there.
const PLATFORM: (&str, &str) = ("公共测试平台", "Shared Testing Platform");

/// A node of the tree; parents come before their children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// What it is.
    pub(super) kind: NodeKind,
    /// Index of the node above; `None` only for the region.
    pub(super) parent: Option<usize>,
    /// Chinese name.
    pub(super) zh: String,
    /// English name.
    pub(super) en: String,
    /// Fields a laboratory works in; empty for other nodes.
    pub(super) fields: Vec<&'static str>,
}

struct Row {
    centre: (&'static str, &'static str),
    kind: &'static str,
    names: (&'static str, &'static str),
    fields: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let mut cells = line.split(',');
        Some(Row {
            centre: cells.next()?.split_once('|')?,
            kind: cells.next()?,
            names: (cells.next()?, cells.next()?),
            fields: cells.next()?.split(' ').collect(),
        })
    };
    TABLE
        .lines()
        .skip(1)
        .map(|line| row(line).expect("the built-in table is right"))
        .collect()
}

/// Returns the tree with at most `labs` laboratories, at least one. All centres and institutions are
/// there; laboratories are taken in turn from each centre, so that a small tree is spread too.
pub(super) fn tree(labs: usize) -> Vec<Place> {
    let mut places = vec![place(NodeKind::Region, None, REGION)];
    let mut centres: Vec<(&str, usize)> = Vec::new();
    let mut wishes: Vec<Vec<Place>> = Vec::new();
    for row in rows() {
        let known = centres
            .iter()
            .find(|(name, _)| *name == row.centre.0)
            .map(|(_, at)| *at);
        let centre = known.unwrap_or_else(|| {
            places.push(place(NodeKind::Centre, Some(0), row.centre));
            centres.push((row.centre.0, places.len() - 1));
            wishes.push(Vec::new());
            places.len() - 1
        });
        places.push(place(NodeKind::Institution, Some(centre), row.names));
        let institution = places.len() - 1;
        let turn = centres.iter().position(|(_, at)| *at == centre);
        let turn = turn
            .and_then(|turn| wishes.get_mut(turn))
            .expect("each centre has its wishes");
        turn.extend(labs_of(&row, institution));
    }
    let longest = wishes.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|at| wishes.iter().filter_map(move |wish| wish.get(at)));
    let chosen: Vec<Place> = in_turn.take(labs.max(1)).cloned().collect();
    places.extend(chosen);
    places
}

/// Returns the laboratories of an institution. A field named twice gives a first and a second one.
fn labs_of(row: &Row, institution: usize) -> Vec<Place> {
    let mut labs = Vec::new();
    for (at, field) in row.fields.iter().enumerate() {
        let names = FIELDS.iter().find(|(name, ..)| name == field);
        let (_, zh, en) = names.expect("the table names known fields");
        let earlier = row
            .fields
            .iter()
            .take(at)
            .filter(|other| *other == field)
            .count();
        let (zh, en) = match earlier {
            0 => ((*zh).to_owned(), (*en).to_owned()),
            _ => (
                format!("{zh}（{}部）", earlier + 1),
                format!("{en} {}", earlier + 1),
            ),
        };
        let parent = Some(institution);
        labs.push(Place {
            kind: NodeKind::Lab,
            parent,
            zh,
            en,
            fields: vec![*field],
        });
    }
    if row.kind != "enterprise" {
        let mut platform = place(NodeKind::Lab, Some(institution), PLATFORM);
        platform.fields.clone_from(&row.fields);
        labs.push(platform);
    }
    labs
}

fn place(kind: NodeKind, parent: Option<usize>, names: (&str, &str)) -> Place {
    Place {
        kind,
        parent,
        zh: names.0.into(),
        en: names.1.into(),
        fields: Vec::new(),
    }
}

/// Returns the classes a laboratory may own, in the order of their table; never empty.
pub(super) fn classes_of(place: &Place) -> Vec<&'static classes::Class> {
    let owned = classes::all().iter();
    owned
        .filter(|class| {
            class
                .fields
                .iter()
                .any(|field| place.fields.contains(field))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(places: &[Place], kind: NodeKind) -> usize {
        places.iter().filter(|place| place.kind == kind).count()
    }

    #[test]
    fn the_whole_region_has_13_centres_and_about_300_labs() {
        let places = tree(usize::MAX);
        assert_eq!(count(&places, NodeKind::Region), 1);
        assert_eq!(count(&places, NodeKind::Centre), 13);
        assert!(count(&places, NodeKind::Institution) >= 60);
        assert!((290..=320).contains(&count(&places, NodeKind::Lab)));
    }

    #[test]
    fn a_small_region_is_spread_over_the_centres() {
        let places = tree(13);
        assert_eq!(count(&places, NodeKind::Lab), 13);
        let centre = |place: &Place| places[place.parent.unwrap()].parent.unwrap();
        let labs = places.iter().filter(|place| place.kind == NodeKind::Lab);
        let mut centres: Vec<usize> = labs.map(centre).collect();
        centres.sort_unstable();
        centres.dedup();
        assert_eq!(centres.len(), 13);
        assert_eq!(count(&tree(0), NodeKind::Lab), 1);
    }

    #[test]
    fn parents_come_first_and_every_lab_has_classes_and_a_name_of_its_own() {
        let places = tree(usize::MAX);
        for (at, place) in places.iter().enumerate() {
            assert!(place.parent.is_none_or(|parent| parent < at));
            assert!(
                place.kind != NodeKind::Lab || classes_of(place).len() >= 3,
                "{}",
                place.zh
            );
            let same = |other: &&Place| other.parent == place.parent && other.zh == place.zh;
            assert_eq!(places.iter().filter(same).count(), 1, "{}", place.zh);
        }
    }
}
