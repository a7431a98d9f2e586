//! The program: a thin face of the library.

fn main() {
    if std::env::args().nth(1).as_deref() == Some("node") {
        std::process::exit(schism::node_main::node_main());
    }
}
