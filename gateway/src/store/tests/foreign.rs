//! Foreign sources and mappings go to the database and come back the same.

use super::*;
use crate::registry::{ForeignSource, MappingEntry, SourceName};
use crate::telemetry::mapping::{Mapping, TopicFilter};

#[tokio::test]
async fn sources_and_mappings_are_read_back_changed_and_gone() {
    let (_folder, database) = filled().await;
    let source = ForeignSource {
        name: SourceName::parse("plugs").unwrap(),
        lab: NodeId::new(2),
        secret: SecretHash::of("plug"),
        filters: ["tele/+/SENSOR", "z/#"]
            .map(|filter| TopicFilter::parse(filter).unwrap())
            .to_vec(),
        created_at: Micros::new(10),
    };
    let spec =
        r#"{"format":"tasmota","topic":"tele/{d}","instrument":"{d}","devices":{"a":"T-1"}}"#;
    let mapping = MappingEntry {
        id: 3,
        lab: NodeId::new(2),
        name: "插座 'quoted'".to_owned(),
        mapping: Mapping::new(serde_json::from_str(spec).unwrap()).unwrap(),
        version: 1,
        created_at: Micros::new(11),
    };
    let changed = MappingEntry {
        name: "另一个".to_owned(),
        version: 2,
        ..mapping.clone()
    };
    let put = |mapping: &MappingEntry| Edit::PutMapping(Arc::new(mapping.clone()));
    let edits = [
        Edit::PutSource(source.clone()),
        put(&mapping),
        put(&changed),
    ];
    let mut tx = database.begin().await.unwrap();
    for edit in edits {
        write_edits(&mut tx, &[edit]).await.unwrap();
    }
    let read = load_directory(&mut tx).await.unwrap();
    assert_eq!(read.sources.get(&source.name), Some(&source));
    assert_eq!(read.mappings.get(&3).map(Arc::as_ref), Some(&changed));
    assert_eq!(load_highest(&mut tx).await.unwrap()["mappings"], 3);
    let gone = [Edit::DropSource(source.name), Edit::DropMapping(3)];
    write_edits(&mut tx, &gone).await.unwrap();
    let read = load_directory(&mut tx).await.unwrap();
    assert!(read.sources.is_empty() && read.mappings.is_empty());
}
