"""The gRPC class of the social service: check, convert, call, convert back."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import grpc

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1 import social_service_pb2_grpc as pb_grpc
from services.runtime.protobuf import key_without_body, request_key
from services.runtime.rpc.answers import fill, fill_from
from services.runtime.rpc.archives import exported, read_import
from services.runtime.rpc.boundary import patience
from services.runtime.rpc.limits import check, page_of, size_of
from services.social import wire
from services.social.service.accounts import Accounts
from services.social.service.archive import Archive
from services.social.service.posts import Posts
from services.social.service.reading import Reading

Context = grpc.aio.ServicerContext[Any, Any]


class SocialServicer(pb_grpc.SocialServiceServicer):
    """Serves `puppet.social.v1.SocialService`."""

    def __init__(self, accounts: Accounts, posts: Posts, reading: Reading, archive: Archive) -> None:
        self._accounts = accounts
        self._archive = archive
        self._posts = posts
        self._reading = reading

    async def RegisterAccount(self, request: pb.RegisterAccountRequest, context: Context) -> pb.RegisterAccountResponse:
        """Register an agent's account."""
        credentials = wire.read_credentials(request)
        account = await self._accounts.register(request.agent_id, credentials, request_key(request))
        return pb.RegisterAccountResponse(account=wire.write_account(account))

    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:
        """Return one account."""
        check(request)
        return pb.GetAccountResponse(account=wire.write_account(await self._accounts.get(request.id)))

    async def ListAccounts(self, request: pb.ListAccountsRequest, context: Context) -> pb.ListAccountsResponse:
        """List accounts."""
        check(request)
        page = page_of(request, [request.agent_id], (datetime, str))
        read = partial(self._accounts.page, request.agent_id)
        return await fill_from(pb.ListAccountsResponse(), page, read, wire.write_account, [request.agent_id])

    async def DeleteAccount(self, request: pb.DeleteAccountRequest, context: Context) -> pb.DeleteAccountResponse:
        """Delete an agent's account."""
        check(request)
        return pb.DeleteAccountResponse(post_count=await self._archive.delete(request.agent_id, request_key(request)))

    async def ExportAccount(
        self, request: pb.ExportAccountRequest, context: Context
    ) -> AsyncIterator[pb.ExportAccountResponse]:
        """Stream an agent's account with its outbox."""
        check(request)
        async for row in exported(
            pb.ExportAccountResponse, self._archive.export(request.agent_id, request.sealing_key)
        ):
            yield row

    async def ImportAccount(
        self, requests: AsyncIterator[pb.ImportAccountRequest], context: Context
    ) -> pb.ImportAccountResponse:
        """Store what was exported."""
        given = await read_import(requests, "puppet.social.v1.ImportAccount")
        count = await self._archive.import_all(given)
        return pb.ImportAccountResponse(row_count=count, is_repeated=not count)

    async def GetCapabilities(self, request: pb.GetCapabilitiesRequest, context: Context) -> pb.GetCapabilitiesResponse:
        """Say what an account may do."""
        check(request)
        capabilities, quota = await self._accounts.capabilities(request.account_id)
        return pb.GetCapabilitiesResponse(capabilities=wire.write_capabilities(capabilities, quota))

    async def CreatePost(self, request: pb.CreatePostRequest, context: Context) -> pb.CreatePostResponse:
        """Publish a post."""
        wire.check_new_post(request)
        post = await self._posts.create(
            request.account_id, request.text, request.in_reply_to_network_post_id, request_key(request), patience()
        )
        return pb.CreatePostResponse(post=wire.write_post(post))

    async def WithdrawPost(self, request: pb.WithdrawPostRequest, context: Context) -> pb.WithdrawPostResponse:
        """Withdraw a post."""
        check(request)
        created = key_without_body(pb.CreatePostRequest, request.create_request_id)
        post = await self._posts.withdraw(request.account_id, request.id or created, request_key(request))
        return pb.WithdrawPostResponse(post=wire.write_post(post))

    async def GetPost(self, request: pb.GetPostRequest, context: Context) -> pb.GetPostResponse:
        """Return one post."""
        check(request)
        return pb.GetPostResponse(post=wire.write_post(await self._posts.get(request.id)))

    async def ListPosts(self, request: pb.ListPostsRequest, context: Context) -> pb.ListPostsResponse:
        """List an account's outbox."""
        states = wire.read_states(request)
        filters = [request.account_id, states]
        page = page_of(request, filters, (datetime, str))
        read = partial(self._posts.page, request.account_id, states)
        return await fill_from(pb.ListPostsResponse(), page, read, wire.write_post, filters)

    async def GetConversation(self, request: pb.GetConversationRequest, context: Context) -> pb.GetConversationResponse:
        """Return a conversation."""
        wire.check_conversation(request)
        limit = size_of(request, "max_posts")
        conversation = await self._reading.conversation(
            request.account_id, request.network_post_id, request.network_conversation_id, limit
        )
        return wire.write_conversation(conversation)

    async def ListMentions(self, request: pb.ListMentionsRequest, context: Context) -> pb.ListMentionsResponse:
        """List mentions."""
        wire.check_mentions(request)
        filters = [request.account_id, request.after_network_post_id]
        page = page_of(request, filters, (str,))
        listed = await self._reading.mentions(request.account_id, request.after_network_post_id, page)
        return fill(pb.ListMentionsResponse(), listed, wire.write_mention, filters)
