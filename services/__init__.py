"""The five services of Puppet Engine and the runtime that they share."""
