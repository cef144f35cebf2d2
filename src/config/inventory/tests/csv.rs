//! CSV.

use super::*;

#[test]
fn csv_is_read_with_its_quotes_in_any_order_of_columns() {
    let text = "\u{feff}roles,\"name\", addresses\r\n\
        control-plane;etcd,cp1,10.0.0.1 cp1.example.com\r\n\
        \r\n\
        \"etcd\nworker\",\"w1\",\"10.0.0.9;\n fd00::9\"\r\n\
        worker,w2,10.0.0.8";
    let inventory = read(text);
    assert_eq!(
        shown(&inventory),
        [
            "cp1 [10.0.0.1] [Dns(\"cp1.example.com\")] control-plane etcd",
            "w1 [10.0.0.9, fd00::9] [] etcd worker",
            "w2 [10.0.0.8] [] worker",
        ]
    );
    let origins: Vec<&str> = inventory.nodes.iter().map(|node| &*node.origin).collect();
    assert_eq!(origins, ["hosts line 2", "hosts line 4", "hosts line 7"]);
}

#[test]
fn what_is_wrong_with_csv_is_told_with_its_line() {
    let head = "name,addresses,roles";
    for (text, expected) in [
        (
            "name,adresses,roles\n".into(),
            &[
                "hosts line 1: there is no column \"adresses\": did you mean addresses?",
                "hosts line 1: the column addresses is lacking",
            ][..],
        ),
        (
            "name,roles,name,addresses,port\n".into(),
            &[
                "hosts line 1: a second column name: keep one",
                "hosts line 1: there is no column \"port\"",
            ][..],
        ),
        (
            format!("{head}\nw1,10.0.0.1\n\nw2,10.0.0.2,worker,\n"),
            &[
                "hosts line 2: has 2 fields, and there are 3 columns: several values of one are separated by blanks or ';'",
                "hosts line 4: has 4 fields, and there are 3 columns: several values of one are separated by blanks or ';'",
            ][..],
        ),
        (
            "name;addresses;roles\nw1;10.0.0.1;worker\n".into(),
            &["hosts line 1: has its columns separated by ';': write them with commas between"][..],
        ),
        (
            "name\taddresses\troles\nw1\t10.0.0.1\tworker\n".into(),
            &["hosts line 1: has its columns separated by '\\t': write them with commas between"][..],
        ),
        (
            format!("# nodes\n{head}\nw1,10.0.0.1,worker\n"),
            &["hosts line 1: begins with '#': a table has no comments, take the line out"][..],
        ),
        (
            format!("{head}\n# the first, of all\nw1,10.0.0.1,worker\nw2\n"),
            &[
                "hosts line 2: begins with '#': a table has no comments, take the line out",
                "hosts line 4: has 1 field, and there are 3 columns: several values of one are separated by blanks or ';'",
            ][..],
        ),
        (
            format!("{head}\nw1,\"10.0.0.1,worker\n"),
            &["hosts line 2: has a quote that is not closed"][..],
        ),
        (
            format!("{head}\nw1,\"10.0.0.1\"x,worker\n"),
            &[
                "hosts line 2: has something behind the closing quote of a field: put the whole field in quotes",
            ][..],
        ),
        (
            format!("{head}\nw1,10.0.0.1\"x\",worker\n"),
            &[
                "hosts line 2: has a quote within a field: put the whole field in quotes, and write the quote twice",
            ][..],
        ),
        (
            format!("{head}\n \"w\"\"1\" ,10.0.0.1,worker\n"),
            &[
                "hosts line 2: has a quote within a field: put the whole field in quotes, and write the quote twice",
            ][..],
        ),
        (
            format!("{head}\n\"w\"\"1\",10.0.0.1,worker\n"),
            &[
                "hosts line 2: the name \"w\\\"1\" contains '\"': a DNS name has letters, digits, '-' and '.' only",
            ][..],
        ),
        (
            format!("{head}\n,10.0.0.1,worker\n"),
            &["hosts line 2: a node without a name"][..],
        ),
        (
            format!("{head}\nw1, ,\n"),
            &[
                "hosts line 2: the node \"w1\" has no address: give it the one that others reach it at first",
                "hosts line 2: the node \"w1\" has no role: give it one or more of control-plane, etcd, worker",
            ][..],
        ),
        (
            format!("{head}\n"),
            &["hosts: an inventory without a node: it names one at least"][..],
        ),
    ] {
        assert_eq!(refused(&text), expected, "{text}");
    }
}
