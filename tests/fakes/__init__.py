"""Fakes of every port: small working implementations, not mocks."""
