"""The three networks of a Stable-Diffusion checkpoint, with Diffusers' parameter names and config keys.

Only what this model uses is here: CLIP text encoder, AutoencoderKL, UNet2DConditionModel with
DownBlock2D and CrossAttnDownBlock2D and their mirror images.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class GroupNorm(nn.GroupNorm):
    """Group normalisation in float32, whatever the precision around it."""

    def forward(self, x):
        return super().forward(x.float())


class LayerNorm(nn.LayerNorm):
    """Layer normalisation in float32, whatever the precision around it."""

    def forward(self, x):
        return super().forward(x.float())


class ResnetBlock(nn.Module):
    """h = conv1(silu(gn1 x)) + W silu(t);  y = conv2(silu(gn2 h)) + skip(x)."""

    def __init__(self, inputs, outputs, groups, eps, time_width=None):
        super().__init__()
        self.norm1 = GroupNorm(groups, inputs, eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        if time_width:
            self.time_emb_proj = nn.Linear(time_width, outputs)
        self.norm2 = GroupNorm(groups, outputs, eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.conv_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, time=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            h = h + self.time_emb_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class Downsample(nn.Module):
    """Halves height and width; the autoencoder pads only at the bottom and right."""

    def __init__(self, channels, asymmetric=False):
        super().__init__()
        self.asymmetric = asymmetric
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=0 if asymmetric else 1)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)) if self.asymmetric else x)


class Upsample(nn.Module):
    """Doubles height and width by repetition, then a convolution."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def attend(q, k, v, heads, mask=None):
    """softmax(q kᵀ / √d + mask) v over `heads` slices of the last axis.  q: [B, N, C], k and v: [B, M, C]."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    if hasattr(F, "scaled_dot_product_attention"):
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    else:
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        out = (scores if mask is None else scores + mask).softmax(-1) @ v
    return out.transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Attention of x over a context, itself when none is given; with `groups`, the autoencoder's form over [B, C, H, W]."""

    def __init__(self, channels, heads, context_width=None, groups=None):
        super().__init__()
        self.heads, bias, source = heads, groups is not None, context_width or channels
        if groups:
            self.group_norm = GroupNorm(groups, channels, 1e-6)
        self.to_q = nn.Linear(channels, channels, bias)
        self.to_k = nn.Linear(source, channels, bias)
        self.to_v = nn.Linear(source, channels, bias)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def tokens(self, x, context=None):
        """Attention over tokens [B, N, C]."""
        context = x if context is None else context
        return self.to_out[0](attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))

    def forward(self, x, context=None):
        if not hasattr(self, "group_norm"):
            return self.tokens(x, context)
        y = self.tokens(self.group_norm(x).flatten(2).transpose(1, 2))
        return x + y.transpose(1, 2).reshape(x.shape)


class GatedGelu(nn.Module):
    """a · gelu(b), where [a, b] = W x."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.proj = nn.Linear(inputs, 2 * outputs)

    def forward(self, x):
        a, b = self.proj(x).chunk(2, dim=-1)
        return a * F.gelu(b)


class FeedForward(nn.Module):
    """The transformer's two-layer network, four times as wide inside."""

    def __init__(self, channels):
        super().__init__()
        self.net = nn.ModuleList([GatedGelu(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class TransformerBlock(nn.Module):
    """Self-attention, cross-attention to the text, feed-forward, each normalised before and added."""

    def __init__(self, channels, heads, context_width):
        super().__init__()
        self.norm1 = LayerNorm(channels)
        self.attn1 = Attention(channels, heads)
        self.norm2 = LayerNorm(channels)
        self.attn2 = Attention(channels, heads, context_width)
        self.norm3 = LayerNorm(channels)
        self.ff = FeedForward(channels)

    def forward(self, x, context):
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer over the pixels of a feature map, added to it."""

    def __init__(self, channels, heads, groups, context_width):
        super().__init__()
        self.norm = GroupNorm(groups, channels, 1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, heads, context_width)])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x, context):
        h = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            h = block(h, context)
        return x + self.proj_out(h.transpose(1, 2).unflatten(2, x.shape[2:]))


class UNetStage(nn.Module):
    """Resnets at one resolution, with cross-attention after each where the block type says so."""

    def __init__(self, widths, outputs, config, kind, time_width):
        super().__init__()
        groups = config["norm_num_groups"]
        self.resnets = nn.ModuleList(
            ResnetBlock(width, outputs, groups, config["norm_eps"], time_width) for width in widths
        )
        if kind.startswith("CrossAttn"):
            heads, context = config["attention_head_dim"], config["cross_attention_dim"]
            self.attentions = nn.ModuleList(SpatialTransformer(outputs, heads, groups, context) for _ in widths)

    def layer(self, index, x, time, context):
        """Resnet number `index`, and its attention where there is one."""
        x = self.resnets[index](x, time)
        return self.attentions[index](x, context) if hasattr(self, "attentions") else x


class UNetMiddle(nn.Module):
    """Resnet, cross-attention, resnet at the lowest resolution."""

    def __init__(self, channels, config, time_width):
        super().__init__()
        groups, eps = config["norm_num_groups"], config["norm_eps"]
        self.attentions = nn.ModuleList(
            [SpatialTransformer(channels, config["attention_head_dim"], groups, config["cross_attention_dim"])]
        )
        self.resnets = nn.ModuleList(ResnetBlock(channels, channels, groups, eps, time_width) for _ in range(2))

    def forward(self, x, time, context):
        x = self.attentions[0](self.resnets[0](x, time), context)
        return self.resnets[1](x, time)


class TimeEmbedding(nn.Module):
    """Sinusoids of the timestep, cosines first, through two linear layers (Ho et al. 2020)."""

    def __init__(self, channels, width):
        super().__init__()
        self.half = channels // 2
        self.linear_1 = nn.Linear(channels, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, t):
        frequencies = torch.exp(-math.log(10000.0) / self.half * torch.arange(self.half, device=t.device))
        angles = t[:, None].float() * frequencies
        return self.linear_2(F.silu(self.linear_1(torch.cat([angles.cos(), angles.sin()], dim=-1))))


class UNet(nn.Module):
    """Predicts the noise in latents [B, 4, H, W] at timesteps [B], given text [B, M, C]."""

    def __init__(self, config):
        super().__init__()
        channels, layers = config["block_out_channels"], config["layers_per_block"]
        time_width = 4 * channels[0]
        self.conv_in = nn.Conv2d(config["in_channels"], channels[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(channels[0], time_width)
        self.down_blocks, skips = nn.ModuleList(), [channels[0]]
        for i, kind in enumerate(config["down_block_types"]):
            widths = [channels[max(i - 1, 0)]] + [channels[i]] * (layers - 1)
            self.down_blocks.append(UNetStage(widths, channels[i], config, kind, time_width))
            skips += [channels[i]] * layers
            if i + 1 < len(channels):
                self.down_blocks[i].downsamplers = nn.ModuleList([Downsample(channels[i])])
                skips.append(channels[i])
        self.mid_block = UNetMiddle(channels[-1], config, time_width)
        self.up_blocks = nn.ModuleList()
        before = channels[-1]
        for i, (kind, outputs) in enumerate(zip(config["up_block_types"], reversed(channels))):
            widths = [(before if j == 0 else outputs) + skips.pop() for j in range(layers + 1)]
            self.up_blocks.append(UNetStage(widths, outputs, config, kind, time_width))
            if i + 1 < len(channels):
                self.up_blocks[i].upsamplers = nn.ModuleList([Upsample(outputs)])
            before = outputs
        self.conv_norm_out = GroupNorm(config["norm_num_groups"], channels[0], config["norm_eps"])
        self.conv_out = nn.Conv2d(channels[0], config["out_channels"], 3, padding=1)

    def forward(self, x, t, context):
        time = self.time_embedding(t)
        x = self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            for i in range(len(block.resnets)):
                x = block.layer(i, x, time, context)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block(x, time, context)
        for block in self.up_blocks:
            for i in range(len(block.resnets)):
                x = block.layer(i, torch.cat([x, skips.pop()], dim=1), time, context)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class AutoencoderMiddle(nn.Module):
    """Resnet, self-attention with one head, resnet."""

    def __init__(self, channels, groups):
        super().__init__()
        self.attentions = nn.ModuleList([Attention(channels, 1, groups=groups)])
        self.resnets = nn.ModuleList(ResnetBlock(channels, channels, groups, 1e-6) for _ in range(2))

    def forward(self, x):
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class AutoencoderStage(nn.Module):
    """Resnets at one resolution, then a change of resolution where `resample` has one."""

    def __init__(self, inputs, outputs, count, groups):
        super().__init__()
        self.resnets = nn.ModuleList(
            ResnetBlock(inputs if i == 0 else outputs, outputs, groups, 1e-6) for i in range(count)
        )

    def forward(self, x):
        for resnet in self.resnets:
            x = resnet(x)
        for name in ("downsamplers", "upsamplers"):
            if hasattr(self, name):
                x = getattr(self, name)[0](x)
        return x


class Encoder(nn.Module):
    """Image [B, 3, H, W] → moments [B, 2 C, H / f, W / f]."""

    def __init__(self, config):
        super().__init__()
        channels, groups = config["block_out_channels"], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(config["in_channels"], channels[0], 3, padding=1)
        self.down_blocks = nn.ModuleList()
        for i, outputs in enumerate(channels):
            self.down_blocks.append(
                AutoencoderStage(channels[max(i - 1, 0)], outputs, config["layers_per_block"], groups)
            )
            if i + 1 < len(channels):
                self.down_blocks[i].downsamplers = nn.ModuleList([Downsample(outputs, asymmetric=True)])
        self.mid_block = AutoencoderMiddle(channels[-1], groups)
        self.conv_norm_out = GroupNorm(groups, channels[-1], 1e-6)
        self.conv_out = nn.Conv2d(channels[-1], 2 * config["latent_channels"], 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    """Latents [B, C, H / f, W / f] → image [B, 3, H, W]."""

    def __init__(self, config):
        super().__init__()
        channels, groups = config["block_out_channels"][::-1], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(config["latent_channels"], channels[0], 3, padding=1)
        self.mid_block = AutoencoderMiddle(channels[0], groups)
        self.up_blocks = nn.ModuleList()
        for i, outputs in enumerate(channels):
            self.up_blocks.append(
                AutoencoderStage(channels[max(i - 1, 0)], outputs, config["layers_per_block"] + 1, groups)
            )
            if i + 1 < len(channels):
                self.up_blocks[i].upsamplers = nn.ModuleList([Upsample(outputs)])
        self.conv_norm_out = GroupNorm(groups, channels[-1], 1e-6)
        self.conv_out = nn.Conv2d(channels[-1], config["out_channels"], 3, padding=1)

    def forward(self, z):
        x = self.mid_block(self.conv_in(z))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Autoencoder(nn.Module):
    """AutoencoderKL: images in [-1, 1] to a diagonal Gaussian over latents, and back; latents unscaled."""

    def __init__(self, config):
        super().__init__()
        latent = config["latent_channels"]
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1)
        self.post_quant_conv = nn.Conv2d(latent, latent, 1)

    def encode(self, image):
        """Mean and log variance of the latents, each [B, C, H / f, W / f]."""
        mean, logvar = self.quant_conv(self.encoder(image)).chunk(2, dim=1)
        return mean, logvar.clamp(-30.0, 20.0)

    def decode(self, latents):
        """Image [B, 3, H, W] of latents."""
        return self.decoder(self.post_quant_conv(latents))


class ClipAttention(nn.Module):
    """Self-attention in which a token sees only itself and those before it."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        mask = torch.full((x.shape[1], x.shape[1]), -1e4, device=x.device).triu(1)
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        return self.out_proj(attend(q, k, v, self.heads, mask.to(q.dtype)))


class ClipMlp(nn.Module):
    """Two linear layers with x · σ(1.702 x) between them."""

    def __init__(self, width, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        h = self.fc1(x)
        return self.fc2(h * torch.sigmoid(1.702 * h))


class ClipLayer(nn.Module):
    """Attention and feed-forward, each normalised before and added."""

    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.self_attn = ClipAttention(width, config["num_attention_heads"])
        self.layer_norm1, self.layer_norm2 = LayerNorm(width), LayerNorm(width)
        self.mlp = ClipMlp(width, config["intermediate_size"])

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class ClipEmbeddings(nn.Module):
    """Token embedding plus position embedding."""

    def __init__(self, config):
        super().__init__()
        self.token_embedding = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.position_embedding = nn.Embedding(config["max_position_embeddings"], config["hidden_size"])
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.position_embedding.weight, std=0.01)

    def forward(self, ids):
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]


class ClipEncoder(nn.Module):
    """The stack of layers."""

    def __init__(self, config):
        super().__init__()
        self.layers = nn.ModuleList(ClipLayer(config) for _ in range(config["num_hidden_layers"]))


class ClipTextTransformer(nn.Module):
    """Embeddings, layers, final normalisation."""

    def __init__(self, config):
        super().__init__()
        self.embeddings, self.encoder = ClipEmbeddings(config), ClipEncoder(config)
        self.final_layer_norm = LayerNorm(config["hidden_size"])

    def forward(self, ids):
        x = self.embeddings(ids)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.final_layer_norm(x)


class TextEncoder(nn.Module):
    """CLIPTextModel: token ids [B, M] → last hidden state [B, M, C]."""

    def __init__(self, config):
        super().__init__()
        self.text_model = ClipTextTransformer(config)

    def forward(self, ids):
        return self.text_model(ids)
