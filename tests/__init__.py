"""The tests of Puppet Engine; each folder is a marker."""
