//! The manifests that come with Schism: real servers that it starts by their names.

/// A manifest that comes with Schism.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The name of the system.
    pub name: &'static str,
    /// The manifest.
    pub text: &'static str,
}

/// All of them, in the order in which they are listed.
pub const ALL: [Embedded; 6] = [
    Embedded { name: "etcd", text: include_str!("../../systems/etcd.toml") },
    Embedded { name: "redis", text: include_str!("../../systems/redis.toml") },
    Embedded { name: "redis-cluster", text: include_str!("../../systems/redis-cluster.toml") },
    Embedded { name: "zookeeper", text: include_str!("../../systems/zookeeper.toml") },
    Embedded { name: "nats", text: include_str!("../../systems/nats.toml") },
    Embedded { name: "postgres", text: include_str!("../../systems/postgres.toml") },
];

/// The one of that name.
pub fn find(name: &str) -> Option<&'static Embedded> {
    ALL.iter().find(|embedded| embedded.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::manifest::Manifest;

    #[test]
    fn each_is_a_manifest_of_its_name() {
        for embedded in ALL {
            let manifest = Manifest::read(embedded.text).unwrap_or_else(|error| panic!("{}: {error}", embedded.name));
            assert_eq!(manifest.name, embedded.name);
            assert!(!manifest.about.is_empty() && !manifest.version.is_empty(), "{}", embedded.name);
        }
    }
}
